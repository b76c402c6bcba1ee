"""Data sets that Hugging Face's `datasets` saved to disk: Arrow files, and what their columns are.

`Dataset.save_to_disk` writes a folder with state.json, which lists the files in order, each a
stream of Arrow's IPC format, and dataset_info.json, which describes the columns.
"""

import io
import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

STATE, INFO, SPLITS = "state.json", "dataset_info.json", "dataset_dict.json"


class Picture(io.BytesIO):
    """The bytes of an image file, which errors name by its row.

    Args:
        content: The file.
        name: What it is called.
    """

    def __init__(self, content: bytes, name: str) -> None:
        super().__init__(content)
        self._name = name

    def __str__(self) -> str:
        return self._name


def is_saved(path: Path) -> bool:
    """Return whether a path is a folder of such a data set.

    Raises:
        ValueError: It holds several, one for each split.
    """
    if (path / SPLITS).is_file():
        splits = _read(path / SPLITS).get("splits", [])
        raise ValueError(
            f"{path}: expected one split of a data set, such as {path / str(splits[0])}, "
            f"received {', '.join(map(str, splits))}"
        )
    return (path / STATE).is_file() and (path / INFO).is_file()


class Saved:
    """A data set on disk.

    Args:
        path: Its folder.

    Raises:
        ValueError: The folder is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._features: Mapping[str, Mapping[str, Any]] = _read(path / INFO).get("features") or {}

    @property
    def files(self) -> list[Path]:
        """The Arrow files, in order."""
        listed = _read(self.path / STATE).get("_data_files", [])
        return [self.path / each["filename"] for each in listed]

    @property
    def image(self) -> str:
        """The column of images.

        Raises:
            ValueError: There are several, or none.
        """
        if len(self.images) != 1:
            raise ValueError(
                f"{self.path}: expected one column of images, received "
                f"{', '.join(self.images) or 'none'}"
            )
        return self.images[0]

    @property
    def images(self) -> list[str]:
        """The columns of images."""
        return [name for name, each in self._features.items() if each.get("_type") == "Image"]

    @property
    def classes(self) -> dict[str, list[str]]:
        """The names of the classes of each column that has classes."""
        return {
            name: [str(each) for each in feature["names"]]
            for name, feature in self._features.items()
            if feature.get("_type") == "ClassLabel"
        }

    @cached_property
    def table(self) -> Any:
        """All rows, mapped into memory."""
        import pyarrow as pa

        try:
            return pa.concat_tables(
                pa.ipc.open_stream(pa.memory_map(str(file))).read_all() for file in self.files
            )
        except (pa.ArrowException, OSError) as error:
            raise ValueError(f"{self.path}: expected Arrow files, received: {error}") from error

    def picture(self, index: int) -> Picture:
        """Return the image file of a row.

        Raises:
            ValueError: The row has no image.
        """
        stored = self.table.column(self.image)[index].as_py() or {}
        name = f"{self.path.name}, row {index}"
        if not stored.get("bytes"):
            raise ValueError(f"{name}: expected an image in the file, received none")
        return Picture(stored["bytes"], name)

    def labels(self) -> list[str]:
        """Return the class of each row by the only column of classes; nothing without one."""
        if len(self.classes) != 1:
            return []
        ((column, names),) = self.classes.items()
        return [_class(names, value) for value in self.table.column(column).to_pylist()]


def _class(names: list[str], value: int | None) -> str:
    """Return the name of a class; -1 and nothing stand for an unknown one."""
    return names[value] if value is not None and 0 <= value < len(names) else ""


def named(column: Any, names: list[str]) -> Any:
    """Return a column of classes as their names, null where the class is not known."""
    import pyarrow as pa

    found = [_class(names, value) or None for value in column.to_pylist()]
    return pa.array(found, pa.string())


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: expected JSON, received: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path}: expected an object, received {content!r:.60}")
    return content
