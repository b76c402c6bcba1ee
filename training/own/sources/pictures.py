"""Pictures of a folder or of a data set of Hugging Face, or an array of them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from service.inference.pixels import to_floats
from service.manifest import Manifest
from training.datasets import pictures
from training.datasets.arrays import read_array
from training.datasets.broken import Broken
from training.datasets.description import ARRAYS, Description
from training.datasets.image_files import Frame, header
from training.datasets.photos import Pixels
from training.datasets.saved import is_saved
from training.indexing.piece import SIZE, Piece

Picture = tuple[str, str | None, Pixels]
"""Id, class and pixels of an item."""


def pieces(
    manifest: Manifest, description: Description, tell: Callable[[str], None]
) -> Iterator[Piece]:
    """Yield the items of image files, or of an array of uint8 pixels.

    Args:
        manifest: Of the model.
        description: Where they are, how files become what the model takes, and how many may be
            broken: a folder, a data set that was saved there, or a .npy or .npz file.
        tell: Receives what the user should know of the files.

    Raises:
        OSError: There are no files.
        ValueError: Too many files are broken, or the array is not as the model takes it.
    """
    path = Path(description.path)
    if path.suffix.lower() in ARRAYS:
        yield from _of_array(path, manifest)
        return
    batch: list[Picture] = []
    for picture in _of_files(path, manifest, description, tell):
        batch.append(picture)
        if len(batch) == SIZE:
            yield _piece(batch, manifest)
            batch = []
    if batch:
        yield _piece(batch, manifest)


def _piece(batch: list[Picture], manifest: Manifest) -> Piece:
    ids, labels, pixels = zip(*batch, strict=True)
    return Piece(to_floats(np.stack(pixels), manifest.pixels), ids, labels)


def _of_files(
    path: Path, manifest: Manifest, description: Description, tell: Callable[[str], None]
) -> Iterator[Picture]:
    """Yield pictures by their paths in a folder, or by the numbers of their rows in a data set."""
    assert manifest.pixels
    height, width = _sizes(manifest)[:2]
    fit = description.fit
    frame = Frame((width, height), manifest.pixels.mode, fit)
    files, by_number = pictures.of(path), is_saved(path)
    broken = Broken(path, description.broken)
    for index, (name, label) in enumerate(zip(files.names, files.classes, strict=True)):
        try:
            across = header(files.open(index)).size[0] // width if fit == "tile" else 0
            items = list(frame.items(files.open(index)))
        except ValueError as error:
            broken.add(name, error)
            continue
        for number, pixels in enumerate(items):
            place = _place(number, across, width, height)
            yield f"{index if by_number else name}{place}", label or None, pixels
    for note in (*files.notes, *broken.notes(len(files))):
        tell(note)


def _place(number: int, across: int, width: int, height: int) -> str:
    """Return where a tile is, as a fragment (W3C Media Fragments URI 1.0, 4.2.2)."""
    if not across:
        return ""
    top, left = divmod(number, across)
    return f"#xywh={left * width},{top * height},{width},{height}"


def _of_array(path: Path, manifest: Manifest) -> Iterator[Piece]:
    array, sizes = read_array(path), _sizes(manifest)
    if array.dtype != np.uint8 or array.shape[1:] != sizes:
        raise ValueError(
            f"{path}: expected uint8 ({', '.join(map(str, ('images', *sizes)))}), received "
            f"{array.dtype} {array.shape}"
        )
    for start in range(0, len(array), SIZE):
        pixels = np.asarray(array[start : start + SIZE])
        ids = [str(start + number) for number in range(len(pixels))]
        yield Piece(to_floats(pixels, manifest.pixels), ids, [None] * len(pixels))


def _sizes(manifest: Manifest) -> tuple[int, ...]:
    """Return the height, the width and, of colour, the channels of what a model takes."""
    shape = manifest.operations["encode"].input.shape[1:]
    return tuple(size for size in shape if isinstance(size, int))
