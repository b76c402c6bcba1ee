"""What is encoded: pictures in the order of their names, and rows of arrays."""

import hashlib
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from service.errors import InvalidValue
from service.files.codings.npy_file import NpyFile
from service.files.location import Location, located
from service.files.plan import Plan, walk
from service.files.streamed import is_folder, listed_below

ARRAY = ".npy"
"""The suffix of arrays."""


@dataclass(frozen=True)
class Picture:
    """A picture to encode.

    Attributes:
        path: How codings name it: its path below the folder; of several inputs its whole name.
        source: The file.
        mark: What tells another content: its size, and its time or the store's tag.
    """

    path: str
    source: Location
    mark: str


@dataclass(frozen=True)
class Rows:
    """Rows of an array to encode.

    Attributes:
        file: The array.
        first: The number of the first row.
        stop: The number behind the last.
    """

    file: NpyFile
    first: int
    stop: int


Items = tuple[Picture, ...] | Rows
"""What a part holds the codings of."""


@dataclass(frozen=True)
class Shard:
    """The unit of work, of output and of what is resumed: some items that follow each other.

    Attributes:
        number: From 0 on; it names the part.
        items: At least one.
        digest: SHA-256 of the names and marks of the items, in order.
    """

    number: int
    items: Items
    digest: str

    def __len__(self) -> int:
        """Return how many items it has."""
        if isinstance(self.items, Rows):
            return self.items.stop - self.items.first
        return len(self.items)


@dataclass(frozen=True)
class Listing:
    """What there is to encode, as it was listed before the run.

    Attributes:
        items: How many.
        digest: SHA-256 of their names and marks, in order.
        skipped: Files that are no pictures.
        shards: The digest of each shard, in order.
    """

    items: int
    digest: str
    skipped: int
    shards: tuple[str, ...]


class Inputs:
    """The inputs of a run.

    Attributes:
        array: The array to encode, None where the inputs are pictures.
    """

    def __init__(self, given: Sequence[str], output: Location) -> None:
        """Look at what the arguments name.

        Args:
            given: One .npy file; or files and folders of pictures. Paths or URLs.
            output: Where the parts go, which is not read.

        Raises:
            InvalidValue: An array is not alone, or cannot be read.
            StoreError: A store cannot be reached, or refuses.
        """
        sources = [located(each) for each in given]
        is_array = [each.suffix.lower() == ARRAY for each in sources]
        if any(is_array) and len(given) > 1:
            raise InvalidValue("IN: expected one .npy file, or pictures, received several of these")
        self._output = output
        self._sources = sources
        self.array = NpyFile.open(sources[0]) if any(is_array) else None
        self._folders = [] if self.array else list(map(is_folder, sources, given))

    def listing(self, size: int) -> Listing:
        """List everything once, without keeping it.

        Args:
            size: Items of a shard.

        Raises:
            InvalidValue: There is nothing.
            StoreError: A store cannot be listed.
        """
        digest, count, plan, shards = hashlib.sha256(), 0, Plan(), []
        if self.array:
            digest.update(_array_line(self.array, self.array.shape[0]))
        for shard in self.shards(size, plan):
            count += len(shard)
            shards.append(shard.digest)
            if not isinstance(shard.items, Rows):
                for picture in shard.items:
                    digest.update(_line(picture.path, picture.mark))
        if not count:
            received = "; ".join(plan.faults) or "none"
            raise InvalidValue(f"IN: expected at least one item, received {received}")
        return Listing(count, digest.hexdigest(), plan.skipped, tuple(shards))

    def shards(self, size: int, plan: Plan | None = None) -> Iterator[Shard]:
        """Return the shards in order, each of `size` items but for the last.

        Args:
            size: Items of a shard.
            plan: Counts what is skipped, and receives faults; None to leave them out.
        """
        if array := self.array:
            count = array.shape[0]
            for number, first in enumerate(range(0, count, size)):
                rows = Rows(array, first, min(first + size, count))
                line = _array_line(array, rows.first, rows.stop)
                yield Shard(number, rows, hashlib.sha256(line).hexdigest())
            return
        pictures = self.pictures(plan or Plan())
        groups = iter(lambda: tuple(itertools.islice(pictures, size)), ())
        for number, items in enumerate(groups):
            digest = hashlib.sha256()
            for picture in items:
                digest.update(_line(picture.path, picture.mark))
            yield Shard(number, items, digest.hexdigest())

    def pictures(self, plan: Plan) -> Iterator[Picture]:
        """Return the pictures in order. Of folders of this machine, the names are in memory.

        Args:
            plan: Counts what is skipped, and receives faults.
        """
        is_alone = len(self._sources) == 1
        excluded = self._output if isinstance(self._output, Path) else Path("-")
        for source, folder in zip(self._sources, self._folders, strict=True):
            if not folder:
                yield Picture(source.name if is_alone else str(source), source, _mark(source))
            elif isinstance(source, Path):
                found = {below.as_posix(): path for path, below in walk(source, excluded, plan)}
                for below in sorted(found):
                    path = found[below]
                    yield Picture(below if is_alone else str(path), path, _mark(path))
            else:
                for listed, inside in listed_below(source, self._output, plan):
                    name = str(inside) if is_alone else str(listed.object)
                    yield Picture(name, listed.object, f"{listed.size} {listed.tag}")


def _mark(source: Location) -> str:
    if not isinstance(source, Path):
        found = source.found()
        return f"{found.size} {found.tag}" if found else ""
    try:
        status = source.stat()
    except OSError:
        return ""
    return f"{status.st_size} {status.st_mtime_ns}"


def _array_line(array: NpyFile, *numbers: int) -> bytes:
    """Return what tells an array, as it is now, from others, and some rows from other rows."""
    return _line(array.source.name, _mark(array.source), str(array.dtype), *numbers)


def _line(*values: object) -> bytes:
    return json.dumps(values).encode() + b"\n"
