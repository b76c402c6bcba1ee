"""Load one's own data as their description says."""

from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import Any

from training.datasets.description import Description, Kind
from training.datasets.items import DataSet


def changes(options: Namespace) -> dict[str, Any]:
    """Return the fields of a description that are given on the command line."""
    fields = ("kind", "size", "channels", "fit", "columns", "categories", "key", "label", "series")
    given = {
        name: getattr(options, name) for name in (*fields, "missing", "licence")
        if getattr(options, name) is not None
    }  # fmt: skip
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
    return loaders[description.kind](description)
