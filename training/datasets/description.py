"""The description of one's own data: what they are, how they become numbers, how they are split."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from service.pydantic_errors import explain
from service.rows import Window
from service.strict import Strict
from training.datasets.saved import Saved, is_saved

Kind = Literal["images", "sequences", "table"]
Fit = Literal["resize", "pad", "crop", "tile"]
YAML = frozenset({".yaml", ".yml"})
TABLES = frozenset({".csv", ".parquet"})
ARRAYS = frozenset({".npy", ".npz"})
OF_IMAGES = frozenset({"size", "channels", "fit", "broken"})
OF_ROWS = frozenset({"columns", "categories", "key", "label", "missing"})
OF_SEQUENCES = frozenset({"series", "window"})
OTHERS: Mapping[Kind, frozenset[str]] = {
    "images": OF_ROWS | OF_SEQUENCES,
    "sequences": OF_IMAGES,
    "table": OF_IMAGES | OF_SEQUENCES,
}
"""Fields that say something of other kinds of data, by kind."""

Share = Annotated[float, Field(ge=0, lt=1)]
Side = Annotated[int, Field(ge=4, le=4096)]


class Split(Strict):
    """The shares of the items that are held out, and the seed that chooses them."""

    validation: Annotated[float, Field(gt=0, lt=1)] = 0.1
    test: Share = 0.1
    seed: Annotated[int, Field(ge=0)] = 0


class Description(Strict):
    """One's own data."""

    kind: Kind
    path: str
    """A file, or a folder of files; in a YAML file, relative to that file's folder."""
    licence: str = "not said"
    split: Split = Split()
    size: tuple[Side, Side] | None = None
    """Width and height of the model's images in pixels; by default those of the files, if they
    agree."""
    channels: Literal[1, 3] | None = None
    """1 for gray, 3 for colour; by default gray only if all files are."""
    fit: Fit = "resize"
    """Scale each image to the size; keep its aspect and pad or crop the rest; or cut it into tiles
    of that size."""
    broken: Share = 0
    """The share of image files that may be broken, which are left out; more are an error."""
    columns: tuple[str, ...] = ()
    """The columns that the model takes, in order; by default all but key, label and series."""
    categories: tuple[str, ...] = ()
    """Columns whose values are categories although they are numbers; text always is."""
    key: str | None = None
    """A column that names each row, which the model does not take."""
    label: str | None = None
    """A column of classes, for evaluation alone."""
    missing: Literal["refuse", "mask"] = "refuse"
    """Whether a missing value is an error, or left out of the loss."""
    series: str | None = None
    """The column that tells one series of a file from the next."""
    window: Window | None = None
    """How series are cut into sequences of the same length."""

    @field_validator("size", mode="before")
    @classmethod
    def _parse_size(cls, value: Any) -> Any:
        if isinstance(value, int | str):
            return parse_size(value)
        return tuple(value) if isinstance(value, list) else value

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.split.validation + self.split.test >= 1:
            raise ValueError(
                "split: expected validation and test to leave something to train on, received "
                f"{self.split.validation:g} and {self.split.test:g}"
            )
        if len(set(self.columns)) < len(self.columns):
            raise ValueError(
                f"columns: expected each name once, received {', '.join(self.columns)}"
            )
        if others := sorted(self.model_fields_set & OTHERS[self.kind] & _given(self)):
            raise ValueError(f"{others[0]}: expected no such field for {self.kind}")
        return self


def _given(description: Description) -> set[str]:
    """Return the fields that are not as they are by default."""
    fields = type(description).model_fields
    return {name for name, each in fields.items() if getattr(description, name) != each.default}


def parse_size(value: int | str) -> tuple[int, int]:
    """Return (width, height) of "64x48" or 64.

    Raises:
        ValueError: It is neither a number nor two.
    """
    try:
        sides = [int(side) for side in str(value).split("x")]
    except ValueError:
        sides = []
    match sides:
        case [side]:
            return side, side
        case [width, height]:
            return width, height
    raise ValueError(f"size: expected WIDTHxHEIGHT or one number, received {value}")


def describe(data: Path, changes: Mapping[str, Any]) -> Description:
    """Return the description of data.

    Args:
        data: A YAML file that describes them, or the data: a file or a folder.
        changes: Fields that are to be as given here; those of `split` are changed one by one.

    Raises:
        FileNotFoundError: There is nothing at that path.
        ValueError: The description is none, or nothing tells which kind of data they are.
    """
    if not data.exists():
        raise FileNotFoundError(f"--data: expected a file or a folder, received none at {data}")
    described = data.suffix.lower() in YAML
    fields: dict[str, Any] = _read(data) if described else {"path": str(data)}
    split = {**(fields.get("split") or {}), **changes.get("split", {})}
    fields = {**fields, **changes, **({"split": split} if split else {})}
    if "kind" not in fields:
        fields["kind"] = _kind(Path(fields["path"]), fields)
    return parse(fields, str(data))


def parse(fields: Mapping[str, Any], name: str) -> Description:
    """Return the description of these fields, named in errors.

    Raises:
        ValueError: A field is unknown, missing or wrong.
    """
    try:
        return Description.model_validate_json(json.dumps(fields), strict=True)
    except ValidationError as error:
        raise ValueError(f"{name}: {explain(error)}") from error
    except TypeError as error:  # YAML knows dates
        raise ValueError(f"{name}: expected texts and numbers, received: {error}") from error


def _read(path: Path) -> dict[str, Any]:
    import yaml

    try:
        fields = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: expected YAML, received: {error}") from error
    if not isinstance(fields, dict) or not isinstance(fields.get("path"), str):
        raise ValueError(f"{path}: expected a description with a path, received {fields!r:.80}")
    return {**fields, "path": str(path.parent / fields["path"])}


def _kind(path: Path, fields: Mapping[str, Any]) -> Kind:
    """Return the kind of data that a path seems to hold."""
    if fields.get("window") or fields.get("series"):
        return "sequences"
    if path.suffix.lower() in TABLES:
        return "table"
    if is_saved(path):
        return "images" if Saved(path).images else "table"
    if path.is_dir() and not _visible(path, TABLES):
        return "images"
    raise ValueError(
        f"kind: expected images, sequences or table, received none, and {path} does not tell"
    )


def _visible(folder: Path, suffixes: frozenset[str]) -> list[Path]:
    """Return the files of a folder that have one of these suffixes, but for hidden ones."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in suffixes and not path.name.startswith(".")
    )


def files(path: Path, suffixes: frozenset[str]) -> list[Path]:
    """Return a file, or the files of a folder in order of their names.

    Raises:
        FileNotFoundError: There are none.
        ValueError: The file has another suffix.
    """
    if path.is_dir():
        found = _visible(path, suffixes)
    elif not path.exists():
        found = []
    elif path.suffix.lower() not in suffixes:
        raise ValueError(
            f"{path}: expected a file of {', '.join(sorted(suffixes))}, received {path.suffix}"
        )
    else:
        found = [path]
    if not found:
        raise FileNotFoundError(
            f"{path}: expected files of {', '.join(sorted(suffixes))}, received none"
        )
    return found
