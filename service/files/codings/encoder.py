"""Shards to codings: read, fitted and encoded in batches of a fixed size.

The batches of a shard are always the same, so that its codings do not depend on who encodes it.
"""

import itertools
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from service.cpus import usable_cpus
from service.errors import InvalidValue, ServiceError, ShapeMismatch, StoreError, is_shortage
from service.files import location
from service.files.codings.inputs import Picture, Rows, Shard
from service.images.decode import decode, open_image
from service.images.fit import Frame, checked, fitted
from service.images.formats import Policy
from service.inference.model import LoadedModel
from service.inference.pixels import Floats, to_floats

BATCH = 64
"""Items of a batch."""
WINDOW = 4
"""Pictures for each reader that are read or wait at a time."""


@dataclass(frozen=True)
class Options:
    """How pictures become inputs.

    Attributes:
        fit: Whether to convert and scale what is not as the model takes it.
        max_pixels: Of the largest picture that is read.
        longest: The most pixels along a free side of a picture that is fitted.
        policy: Which files are read; truncated ones are refused.
    """

    fit: bool
    max_pixels: int
    longest: int
    policy: Policy


@dataclass(frozen=True)
class Fault:
    """An item that has no coding.

    Attributes:
        item: Its path, or the number of its row.
        problem: Why.
    """

    item: str | int
    problem: str


@dataclass(frozen=True)
class Encoded:
    """The codings of a shard.

    Attributes:
        column: What `items` are: paths of pictures, or numbers of rows.
        items: Which items have codings.
        codings: float32 (items, ...).
        faults: The other items.
    """

    column: Literal["path", "row"]
    items: list[str | int]
    codings: Floats
    faults: tuple[Fault, ...]


class Encoder:
    """Encodes shards with a model, one after the other."""

    def __init__(self, model: LoadedModel, options: Options, readers: int | None = None) -> None:
        """Create an encoder.

        Args:
            model: It offers `encode`.
            options: How pictures become inputs.
            readers: Pictures that are decoded at a time; None for one for each CPU.
        """
        self._session = model.batchers["encode"].session
        self._pixels = model.manifest.pixels
        self._options = replace(options, policy=replace(options.policy, reads_truncated=False))
        self._frame: Frame | None = None
        if self._pixels:
            _, height, width, *_ = self._session.operation.input.shape
            self._frame = Frame(
                self._pixels.mode, (height, width), options.longest, self._pixels.fit
            )
        self._readers = readers or usable_cpus()
        self._pool = ThreadPoolExecutor(self._readers)

    def encode(self, shard: Shard) -> Encoded:
        """Return the codings of a shard, and why items have none.

        Raises:
            StoreError: A store cannot be read: the shard is to be encoded again.
            MemoryError: There is no memory.
        """
        items = shard.items
        inputs = self._of_rows(items) if isinstance(items, Rows) else self._of_pictures(items)
        kept: list[str | int] = []
        codings: list[Floats] = []
        faults: list[Fault] = []

        def sound() -> Iterator[tuple[str | int, Floats]]:
            for item, value in inputs:
                if isinstance(value, str):
                    faults.append(Fault(item, value))
                else:
                    yield item, value

        for batch in _batches(sound()):
            array = np.stack([value for _, value in batch])
            outputs = self._session.run(array)
            finite = np.isfinite(outputs.reshape(len(outputs), -1)).min(axis=1)
            for (item, _), is_finite in zip(batch, finite.tolist(), strict=True):
                if is_finite:
                    kept.append(item)
                else:
                    faults.append(Fault(item, "expected numbers of the model's range"))
            codings.append(outputs[finite])
        shape = self._session.operation.output.shape[1:]
        empty = np.empty((0, *(each for each in shape if isinstance(each, int))), np.float32)
        column: Literal["path", "row"] = "row" if isinstance(items, Rows) else "path"
        joined = np.concatenate(codings) if codings else empty
        return Encoded(column, kept, joined, tuple(faults))

    def _of_pictures(self, pictures: Iterable[Picture]) -> Iterator[tuple[str | int, Floats | str]]:
        remaining = iter(pictures)
        while window := list(itertools.islice(remaining, WINDOW * self._readers)):
            for picture, value in zip(window, self._pool.map(self._read, window), strict=True):
                yield picture.path, value

    def _read(self, picture: Picture) -> Floats | str:
        """Return a picture as the model takes it, or why it cannot be."""
        options = self._options
        if self._frame is None:
            return "expected rows of numbers, received a picture"
        try:
            image = open_image(location.read(picture.source), options.max_pixels, options.policy)
            photograph = decode(image, with_metadata=False)
            if options.fit:
                pixels = fitted(photograph, self._frame)
            else:
                pixels = checked(photograph, image.mode, self._frame)
            array = to_floats(pixels, self._pixels)
            self._session.check(array[None], known_finite=True)
        except StoreError:
            raise
        except ShapeMismatch as error:
            return str(error).replace("?fit=true", "--fit")
        except ServiceError as error:
            return str(error)
        except Exception as error:
            if is_shortage(error):
                raise
            return str(error) or type(error).__name__
        return array

    def _of_rows(self, rows: Rows) -> Iterator[tuple[str | int, Floats | str]]:
        array: NDArray[Any] = rows.file.rows(rows.first, rows.stop)
        if array.dtype == np.uint8:
            array = to_floats(array, self._pixels)
        else:
            with np.errstate(over="ignore"):  # larger numbers become inf, which is refused
                array = np.ascontiguousarray(array, np.float32)
        for number, row in zip(range(rows.first, rows.stop), array, strict=True):
            try:
                self._session.check(row[None])
            except InvalidValue as error:
                yield number, str(error)
            else:
                yield number, row


def _batches(
    inputs: Iterable[tuple[str | int, Floats]],
) -> Iterator[list[tuple[str | int, Floats]]]:
    """Return items in batches: those of one shape that follow each other, BATCH at most."""
    for _, group in itertools.groupby(inputs, lambda each: each[1].shape):
        while batch := list(itertools.islice(group, BATCH)):
            yield batch
