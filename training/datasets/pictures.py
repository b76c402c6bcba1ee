"""Image files to train on: of a folder, or in a data set of Hugging Face."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.datasets import photos
from training.datasets.image_files import ImageFile
from training.datasets.saved import Saved, is_saved


@dataclass(frozen=True)
class Pictures:
    """Image files.

    Args:
        root: The folder that they are in.
        names: What each is called.
        classes: The class of each, empty where it has none.
        open: Returns one by its index, as a path or as a file.
    """

    root: Path
    names: Sequence[str]
    classes: Sequence[str]
    open: Callable[[int], ImageFile]

    def __len__(self) -> int:
        return len(self.names)


def of(path: Path) -> Pictures:
    """Return the image files of a folder, or of a data set that was saved there.

    Raises:
        FileNotFoundError: There are none.
        ValueError: The data set is damaged.
    """
    if is_saved(path):
        saved = Saved(path)
        names = [f"row {number:,}" for number in range(saved.table.num_rows)]
        if not names:
            raise FileNotFoundError(f"{path}: expected rows with images, received none")
        return Pictures(path, names, saved.labels() or [""] * len(names), saved.picture)
    folder = photos.folder(path)
    parts = [file.relative_to(folder.root).parts for file in folder.paths]
    return Pictures(
        folder.root,
        ["/".join(each) for each in parts],
        [each[0] if len(each) > 1 else "" for each in parts],
        folder.paths.__getitem__,
    )
