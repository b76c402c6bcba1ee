"""Load one's own data as their description says."""

from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from training.datasets.description import Description, Kind, parse
from training.datasets.equal_items import are_equal, has_numbers, notes_of_equal_parts
from training.datasets.items import DataSet

FIELDS = (
    *("kind", "size", "channels", "fit", "broken", "columns", "categories", "key", "label"),
    *("series", "missing", "licence"),
)
"""Of a description, each with an option of its name."""
ITEMS: Mapping[Kind, str] = {"images": "images", "sequences": "sequences", "table": "rows"}
"""What items are called, after their number."""


class OtherData(ValueError):
    """Data that are not those of a training."""


def changes(options: Namespace) -> dict[str, Any]:
    """Return the fields of a description that are given on the command line."""
    given = {name: getattr(options, name) for name in FIELDS if getattr(options, name) is not None}
    if options.window:
        given["window"] = {
            "steps": options.window,
            "stride": options.stride or max(1, options.window // 2),
        }
    elif options.stride:
        raise ValueError("--stride: expected it with --window")
    split: dict[str, Any] = {}
    if options.split:
        _, split["validation"], split["test"] = options.split
    if options.split_seed is not None:
        split["seed"] = options.split_seed
    return given | ({"split": split} if split else {})


def load(description: Description) -> DataSet:
    """Return the data that a description describes, split.

    Raises:
        OSError: A file cannot be read.
        ValueError: The data are not as described, or cannot be used; the error says where.
    """
    from training.datasets import images, sequences, tables

    loaders: Mapping[Kind, Callable[[Description], DataSet]] = {
        "images": images.load,
        "sequences": sequences.load,
        "table": tables.load,
    }
    found = loaders[description.kind](description)
    if are_equal(found.train):
        raise ValueError(
            f"{description.path}: expected items that differ to train on, received "
            f"{len(found.train):,} equal ones"
        )
    if not has_numbers(found.validation):
        raise ValueError(
            f"{description.path}: expected numbers to choose the best epoch by, received a "
            f"validation part of {len(found.validation):,} items of which everything is missing"
        )
    notes = notes_of_equal_parts(found.validation, found.test)
    return replace(found, notes=(*found.notes, *notes))


def reload(kept: Mapping[str, Any], path: Path | None, name: str) -> tuple[Description, DataSet]:
    """Return the data that a model was trained on, and their description.

    Args:
        kept: The description with the SHA-256 of the data, as a record or a manifest has it.
        path: Where the data are now; None for where they were.
        name: Of the model, for errors.

    Raises:
        OSError: They cannot be read.
        OtherData: They are others.
        ValueError: They are not as the training read them.
    """
    fields = dict(kept)
    expected = fields.pop("sha256", "")
    description = parse(fields | ({"path": str(path)} if path else {}), f"{name}: data")
    found = load(description)
    if found.digest != expected:
        raise OtherData(
            f"--data: expected the data that {name} was trained on, received others in "
            f"{description.path}"
        )
    return description, found


def counted(description: Description, data: DataSet) -> str:
    """Return how many items of which size a model was trained on, in words."""
    shape = "x".join(str(side) for side in data.train.shape)
    up_to = "" if data.train.lengths is None else "up to "
    return f"{len(data.train):,} {ITEMS[description.kind]} of {up_to}{shape}"
