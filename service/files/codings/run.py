"""A run of `encode`: what it is, which of its parts are written, and how one is."""

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from service.errors import InvalidValue
from service.files import location
from service.files.codings.encoder import BATCH, Encoder, Options
from service.files.codings.inputs import Inputs, Listing, Shard
from service.files.codings.part_files import WRITERS, Origin
from service.files.location import Location
from service.files.objects import Exists

FILE = "_run.json"
"""Describes the run; readers of Parquet skip names that begin so."""
ERRORS = "_errors"
"""The folder of what has no coding, in JSON Lines, a file for each part that lacks some."""
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Run:
    """A run, the same on one machine and on many.

    Attributes:
        output: The folder of the parts.
        form: The format of the parts, a key of WRITERS.
        shard: Items of a part.
        origin: The model.
        listing: The items.
        options: How pictures become inputs.
        provider: The execution provider, by ONNX Runtime's name.
    """

    output: Location
    form: str
    shard: int
    origin: Origin
    listing: Listing
    options: Options
    provider: str

    @property
    def parts(self) -> int:
        """How many parts it has."""
        return -(-self.listing.items // self.shard)

    def begin(self) -> set[int]:
        """Describe the run in its folder, or go on with the one that is described there.

        Returns:
            The numbers of the parts that are written.

        Raises:
            InvalidValue: The folder is another run's.
            StoreError: The store cannot be read or written.
        """
        target, described = self.output / FILE, self._described()
        if location.exists(target):
            there = json.loads(location.read(target))
            differ = [name for name in described if there.get(name) != described[name]]
            if differ:
                raise InvalidValue(
                    f"OUT: expected a new folder, or the one of this run, received {self.output}, "
                    f"where {FILE} has another {', '.join(differ)}"
                )
        else:
            text = json.dumps(described, indent=2) + "\n"
            location.write(text.encode(), target, overwrite=False)
        pattern = re.compile(rf"part-(\d+)\.{self.form}")
        found = map(pattern.fullmatch, location.names_in(self.output))
        return {int(each[1]) for each in found if each}

    def left(self, inputs: Inputs, written: set[int]) -> Iterator[Shard]:
        """Return the shards whose parts are not written, in order.

        Raises:
            InvalidValue: The inputs are no longer those that were listed.
        """
        items = 0
        for shard in inputs.shards(self.shard):
            items += len(shard)
            if shard.number not in written:
                yield shard
        if items != self.listing.items:
            raise InvalidValue(
                f"IN: expected {self.listing.items} items, as listed before, received {items}"
            )

    def write(self, encoder: Encoder, shard: Shard) -> tuple[int, int]:
        """Encode a shard and write its part, after what it lacks: a part that is there is whole.

        A part that is there, of another process of this run, is left.

        Returns:
            How many items have codings, and how many have none.

        Raises:
            InvalidValue: The part cannot be written.
            StoreError: A store cannot be read or written.
        """
        name = f"part-{shard.number:05}"
        part, errors = self.output / f"{name}.{self.form}", self.output / ERRORS / f"{name}.jsonl"
        if location.exists(part):
            lacking = location.read(errors).count(b"\n") if location.exists(errors) else 0
            return len(shard) - lacking, lacking
        encoded = encoder.encode(shard)
        lines = [
            json.dumps({encoded.column: each.item, "problem": each.problem}, ensure_ascii=False)
            for each in encoded.faults
        ]
        if lines:
            text = "".join(f"{line}\n" for line in lines)
            location.write(text.encode(), errors, overwrite=True)
        elif location.exists(errors):  # of a part that was deleted, to try it again
            location.remove(errors)
        with contextlib.suppress(Exists):  # whoever was as far has the same
            location.write(WRITERS[self.form](encoded, self.origin), part, overwrite=False)
        return len(encoded.items), len(encoded.faults)

    def lacks(self) -> bool:
        """Return whether items have no coding, of this run and of those that it goes on with."""
        return next(location.names_in(self.output, ERRORS), None) is not None

    def _described(self) -> dict[str, object]:
        settings = {
            "format": self.form,
            "shard": self.shard,
            "batch": BATCH,
            "fit": self.options.fit,
            "formats": sorted(self.options.policy.formats),
            "longest": self.options.longest,
            "max_pixels": self.options.max_pixels,
            "provider": self.provider,
        }
        described = {
            "schema_version": SCHEMA_VERSION,
            "model": asdict(self.origin),
            "inputs": {"items": self.listing.items, "sha256": self.listing.digest},
            "settings": settings,
        }
        return dict(json.loads(json.dumps(described)))
