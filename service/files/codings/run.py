"""A run of `encode`: what it is, which of its parts are written, and how one is."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

from service.errors import InvalidValue
from service.files import location
from service.files.codings.encoder import BATCH, Encoder, Options
from service.files.codings.inputs import Inputs, Listing, Shard
from service.files.codings.part_files import WRITERS, Origin
from service.files.errors import Exists
from service.files.location import Location

FILE = "_run.json"
"""Describes the run; readers of Parquet skip names that begin so."""
ERRORS = "_errors"
"""The folder of what has no coding, in JSON Lines, a file for each part that lacks some."""
PART = re.compile(rf"part-(?P<number>\d+)\.(?P<form>{'|'.join(WRITERS)})")
"""The names of parts."""
SCHEMA_VERSION = 2
SHORT = 24
"""Characters of values that errors show."""


@dataclass(frozen=True)
class Run:
    """A run, the same on one machine and on many.

    Attributes:
        output: The folder of the parts.
        form: The format of the parts, a key of WRITERS.
        shard: Items of a part.
        origin: The model.
        preprocessing: How the model's manifest makes numbers of inputs, in JSON's types.
        listing: The items.
        options: How pictures become inputs.
        provider: The execution provider, by ONNX Runtime's name.
    """

    output: Location
    form: str
    shard: int
    origin: Origin
    preprocessing: Mapping[str, object]
    listing: Listing
    options: Options
    provider: str

    @property
    def parts(self) -> int:
        """How many parts it has."""
        return -(-self.listing.items // self.shard)

    def start(self) -> set[int]:
        """Describe the run in its folder, or go on with the one that is described there.

        Returns:
            The numbers of the parts that are written.

        Raises:
            InvalidValue: The folder is another run's.
            StoreError: The store cannot be read or written.
        """
        target, described = self.output / FILE, self._described()
        # What is described comes first: a part that is listed then belongs to it.
        is_described = location.exists(target)
        found = list(filter(None, map(PART.fullmatch, location.names_in(self.output))))
        if is_described:
            self._check_same(location.read(target), described)
        elif found:
            raise InvalidValue(
                f"OUT: expected a new folder, or the one of this run, received {self.output}, "
                f"which has {min(each[0] for each in found)} but no {FILE}"
            )
        else:
            text = json.dumps(described, indent=2) + "\n"
            location.write(text.encode(), target, overwrite=False)
        numbers = {int(each["number"]) for each in found if each["form"] == self.form}
        return numbers.intersection(range(self.parts))

    def remaining(self, inputs: Inputs, written: set[int]) -> Iterator[Shard]:
        """Return the shards whose parts are not written, in order.

        The inputs are listed again, and each shard is compared with what was listed first: a part
        of other items is never written.

        Raises:
            InvalidValue: The inputs are no longer those that were listed.
        """
        known, number = self.listing.shards, -1
        for shard in inputs.shards(self.shard):
            number = shard.number
            if number >= len(known) or shard.digest != known[number]:
                raise self._changed(number)
            if number not in written:
                yield shard
        if number + 1 != len(known):
            raise self._changed(number + 1)

    def write(self, encoder: Encoder, shard: Shard) -> tuple[int, int]:
        """Encode a shard, write the list of its errors, then its part.

        So a part that exists has its errors. One that another process of this run has written is
        left as it is.

        Returns:
            How many items have codings, and how many have none.

        Raises:
            InvalidValue: The part cannot be written.
            StoreError: A store cannot be read or written.
        """
        name = f"part-{shard.number:05}"
        part, errors = self.output / f"{name}.{self.form}", self.output / ERRORS / f"{name}.jsonl"
        if location.exists(part):
            return self._counts(shard, errors)
        encoded = encoder.encode(shard)
        lines = [
            json.dumps({encoded.column: each.item, "problem": each.problem}, ensure_ascii=False)
            for each in encoded.faults
        ]
        if lines:
            text = "".join(f"{line}\n" for line in lines)
            body = text.encode(errors="backslashreplace")  # of names that are no UTF-8
            location.write(body, errors, overwrite=True)
        try:
            location.write(WRITERS[self.form](encoded, self.origin), part, overwrite=False)
        except Exists:  # another process has written it, after the list of its own errors
            return self._counts(shard, errors)
        if not lines and location.exists(errors):  # of a part that was deleted, to try it again
            location.remove(errors)
        return len(encoded.items), len(encoded.faults)

    def has_errors(self) -> bool:
        """Return whether items have no coding, of this run and of those that it goes on with."""
        return next(location.names_in(self.output, ERRORS), None) is not None

    def _counts(self, shard: Shard, errors: Location) -> tuple[int, int]:
        """Return how many items of a part that is there have codings, and how many have none."""
        failed = location.read(errors).count(b"\n") if location.exists(errors) else 0
        return len(shard) - failed, failed

    def _changed(self, number: int) -> InvalidValue:
        return InvalidValue(
            f"IN: expected the items of part-{number:05} as they were listed before, received "
            "others: the inputs have changed during the run"
        )

    def _check_same(self, text: bytes, described: dict[str, object]) -> None:
        """Raise InvalidValue where the folder's description is not that of this run."""
        try:
            there = json.loads(text)
        except ValueError:
            there = None
        if not isinstance(there, dict):
            raise InvalidValue(
                f"OUT: expected a new folder, or the one of this run, received {self.output}, "
                f"where {FILE} describes no run"
            )
        if differ := [name for name in described if there.get(name) != described[name]]:
            told = [_difference(name, there.get(name), described[name]) for name in differ]
            raise InvalidValue(
                f"OUT: expected a new folder, or the one of this run, received {self.output}, "
                f"whose {FILE} differs in {', '.join(told)}"
            )

    def _described(self) -> dict[str, object]:
        settings = {
            "format": self.form,
            "shard": self.shard,
            "batch": BATCH,
            "formats": sorted(self.options.policy.formats),
            "longest": self.options.longest,
            "max_pixels": self.options.max_pixels,
            "provider": self.provider,
        }
        described = {
            "schema_version": SCHEMA_VERSION,
            "model": asdict(self.origin),
            "preprocessing": dict(self.preprocessing),
            "inputs": {"items": self.listing.items, "sha256": self.listing.digest},
            "settings": settings,
        }
        return dict(json.loads(json.dumps(described)))


def _difference(name: str, there: object, here: object) -> str:
    """Return the name of what differs, and what was there and is here where that is short."""
    if not isinstance(there, dict) or not isinstance(here, dict):
        return _told(name, there, here)
    parts = [
        _told(each, there.get(each), here.get(each))
        for each in there | here
        if there.get(each) != here.get(each)
    ]
    return f"{name} ({'; '.join(parts)})"


def _told(name: str, there: object, here: object) -> str:
    """Return a name, and the values that it had and has where these are short."""
    was, now = json.dumps(there), json.dumps(here)
    return f"{name}: {was}, now {now}" if max(len(was), len(now)) <= SHORT else name
