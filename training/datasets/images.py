"""Images of one's own: a folder or an array becomes items of one size."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from service import manifest
from service.manifest import Pixels
from training.datasets import pictures
from training.datasets.arrays import read_array
from training.datasets.broken import Broken
from training.datasets.description import ARRAYS, Description, Fit
from training.datasets.image_files import Frame, Header, header
from training.datasets.items import DataSet, digest, mapped, parts_of
from training.datasets.look_alikes import note_of_look_alikes
from training.datasets.pictures import Pictures
from training.datasets.split import by_groups

FITS: Mapping[Fit, manifest.Fit] = MappingProxyType(
    {"resize": "resize", "pad": "pad", "crop": "crop", "tile": "crop"}
)
"""How the service fits pictures of other sizes: no tile has black edges, or another aspect."""


def load(description: Description) -> DataSet:
    """Return images, split at random by the seed of their description.

    The images of a folder are of the class that its first sub-folder is named by, those of a data
    set of Hugging Face of that of its column of classes; tiles of one file are in one part.

    Raises:
        OSError: There are none.
        ValueError: More files than the description allows are broken, or nothing tells the size.
    """
    path = Path(description.path)
    broken = Broken(path, description.broken)
    labels: NDArray[np.str_] | None = None
    sources: list[str] = []
    notes: tuple[str, ...] = ()
    if path.suffix.lower() in ARRAYS:
        array = _read(path, description)
        groups = np.arange(len(array))
    else:
        files = pictures.of(path)
        headers = _headers(files, broken)
        frame = _frame(files, list(headers.values()), description)
        counts = [frame.count(headers[index].size) if index in headers else 0
                  for index in range(len(files))]  # fmt: skip
        small = counts.count(0) - len(broken)
        array = _decoded(files, frame, counts, broken)
        groups = np.repeat(np.arange(len(counts)), counts)
        labels = _labels(files, counts)
        sources = list(_sources(files, counts))
        notes = (*files.notes, *broken.notes(len(files)))
        if small:
            notes += (f"{small:,} of {len(counts):,} images are smaller than a tile",)
    items = parts_of(array, by_groups(groups, description.split).checked(description.path))
    return DataSet(
        *items,
        labels=labels,
        pixels=Pixels(
            mode="L" if array.ndim == 3 else "RGB", scale=255.0, fit=FITS[description.fit]
        ),
        rows=None,
        scaling=None,
        digest=digest(array),
        notes=(*notes, *note_of_look_alikes(*items)),
        sources=sources,
        broken=len(broken),
    )


def _read(path: Path, description: Description) -> NDArray[np.uint8]:
    """Return images that are an array already.

    Raises:
        ValueError: They are no pixels, or not as described.
    """
    array = read_array(path)
    if array.dtype != np.uint8 or array.ndim not in (3, 4) or array.shape[3:] not in ((), (3,)):
        raise ValueError(
            f"{path}: expected uint8 (images, height, width) or (images, height, width, 3), "
            f"received {array.dtype} {array.shape}"
        )
    height, width, *channels = array.shape[1:]
    if description.size not in (None, (width, height)):
        raise ValueError(f"size: expected {width}x{height}, as {path} has it, or none")
    if description.channels not in (None, *(channels or [1])):
        raise ValueError(f"channels: expected {channels or 1}, as {path} has them, or none")
    return array


def _headers(files: Pictures, broken: Broken) -> dict[int, Header]:
    """Return the headers of the files that have one, by their indices.

    Raises:
        ValueError: None has.
    """
    found = {}
    for index, name in enumerate(files.names):
        try:
            found[index] = header(files.open(index))
        except ValueError as error:
            broken.add(name, error)
    if not found:
        broken.notes(len(files))
    return found


def _frame(files: Pictures, headers: Sequence[Header], description: Description) -> Frame:
    """Return what files become, by the description or by what all files agree on.

    Raises:
        ValueError: Neither tells the size.
    """
    sizes = {each.size for each in headers}
    if description.size is None and len(sizes) > 1:
        raise ValueError(
            f"size: expected one for the images of {files.root}, which have {len(sizes):,} "
            "sizes, received none"
        )
    is_gray = all(each.is_gray for each in headers)
    if description.channels is not None:
        is_gray = description.channels == 1
    return Frame(description.size or sizes.pop(), "L" if is_gray else "RGB", description.fit)


def _decoded(files: Pictures, frame: Frame, counts: list[int], broken: Broken) -> NDArray[np.uint8]:
    """Return the items of files; those of a broken one are left out, and counted as none."""
    array: NDArray[np.uint8] = mapped((sum(counts), *frame.shape), np.uint8)
    end = 0
    for index, count in enumerate(counts):
        if not count:
            continue
        try:
            items = list(frame.items(files.open(index)))
        except ValueError as error:
            broken.add(files.names[index], error)
            counts[index] = 0
            continue
        for place, item in zip(array[end : end + count], items, strict=True):
            place[:] = item
        end += count
    return array[:end]


def _labels(files: Pictures, counts: Sequence[int]) -> NDArray[np.str_] | None:
    """Return the class of each item, None where there are no two."""
    names = np.array(files.classes)
    return np.repeat(names, counts) if len(np.unique(names)) > 1 else None


def _sources(files: Pictures, counts: Sequence[int]) -> Iterator[str]:
    """Yield the file of each item and, where a file is several, its number."""
    for name, count in zip(files.names, counts, strict=True):
        yield from [name] if count == 1 else (f"{name}, tile {tile + 1}" for tile in range(count))
