"""Image files to train on: of a folder, or in a data set of Hugging Face."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.datasets import photos
from training.datasets.ignored import note_of_ignored
from training.datasets.image_files import ImageFile
from training.datasets.saved import Saved, is_saved


@dataclass(frozen=True)
class Pictures:
    """Image files.

    Args:
        root: The folder that they are in.
        names: What each is called.
        classes: The class of each, empty where it has none.
        open: Returns one by its index, as a path or as a file; ValueError where there is none.
        notes: What the user should know of other files.
    """

    root: Path
    names: Sequence[str]
    classes: Sequence[str]
    open: Callable[[int], ImageFile]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)


def of(path: Path) -> Pictures:
    """Return the image files of a folder, or of a data set that was saved there.

    Raises:
        FileNotFoundError: There are none.
        ValueError: The data set is damaged, or has no column of images, or several.
    """
    if is_saved(path):
        saved = Saved(path)
        names = [f"row {number:,}" for number in range(saved.table.num_rows)]
        if not names:
            raise FileNotFoundError(f"{path}: expected rows with images, received none")
        _ = saved.image  # or all rows would seem to be broken
        return Pictures(path, names, saved.labels() or [""] * len(names), saved.picture)
    ignored = note_of_ignored(path, photos.SUFFIXES, deep=True)
    try:
        folder = photos.folder(path)
    except FileNotFoundError as error:
        raise FileNotFoundError("; ".join((str(error), *ignored))) from error
    parts = [file.relative_to(folder.root).parts for file in folder.paths]
    return Pictures(
        folder.root,
        ["/".join(each) for each in parts],
        [each[0] if len(each) > 1 else "" for each in parts],
        folder.paths.__getitem__,
        ignored,
    )
