"""What a training on one's own data came to, for its report."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from service.errors import first_of
from training.datasets.description import Description
from training.datasets.items import DataSet, Items
from training.datasets.names import names
from training.fitting.described import facts, runs
from training.fitting.train import load as load_run
from training.own.data import counted, reload
from training.own.preprocessing import Preprocessing
from training.own.space import named
from training.pixel_noise import NOISES
from training.results import Part, Results, Windows, read_losses


def read(run: Path, data: Path | None) -> Results:
    """Return what a training came to.

    Args:
        run: The training's folder.
        data: Where the data are now, if not where they were in training.

    Raises:
        FileNotFoundError: The training has not ended.
        ValueError: The data are others than those of the training, or a file is damaged.
    """
    autoencoder, record = load_run(run)
    own = record.own
    description, found = reload(own["data"], data, run.name)
    encode, reconstruct = runs(autoencoder, Preprocessing.from_json(own).scaling)
    of_data = _of_data(description, found)
    named_by = found.sources or names(description)
    if description.window is None and len(named_by) != len(found.train.array):
        named_by = ()  # of a folder with an empty file
    validation, test = (
        _part(name, items, found, description, named_by)
        for name, items in (("validation", found.validation), ("test", found.test))
    )
    return Results(
        name=run.name,
        summary=f"{own['summary']}, on {counted(description, found)}",
        kind=description.kind,
        facts={
            "recipe": own["recipe"],
            **_of_search(own.get("search")),
            **of_data,
            **facts(record, autoencoder),
        },
        data=of_data,
        notes=found.notes,
        digest=_digest(found),
        losses=read_losses(run),
        validation=validation,
        test=test if len(found.test) else validation,
        rows=found.rows,
        encode=encode,
        reconstruct=reconstruct,
        noises=NOISES if own["denoises"] else (),
    )


def _part(
    name: str, items: Items, data: DataSet, description: Description, names: Sequence[str]
) -> Part:
    steps = items.shape[0]
    is_cut = description.kind == "sequences" and description.window is not None

    def title(position: int) -> str:
        index = int(items.indices[position])
        known = names[index] if index < len(names) else ""
        if is_cut:
            rows = f"rows {index:,} to {index + steps - 1:,}"
            return f"{known}, {rows}" if known else rows
        return known or f"{NOUNS[description.kind]} {index:,}"

    labels = data.labels_of(items)
    if labels is not None:
        labels = np.where(labels == "", "no class", labels)
    windows = Windows(items.indices, steps) if is_cut else None
    return Part(name, items, title, labels, windows)


def _digest(data: DataSet) -> str:
    """Return what tells the items of the test and validation parts from others."""
    found = hashlib.sha256(data.digest.encode())
    for part in (data.validation, data.test):
        found.update(f"{part.shape} {len(part)}".encode() + part.indices.tobytes())
    return found.hexdigest()


def _of_search(found: dict[str, Any] | None) -> dict[str, str]:
    if not found:
        return {}
    searched = "; ".join(f"{name}: {bounds}" for name, bounds in found["space"].items())
    return {
        "trials": f"{found['trials']}, of which {found['stopped_early']} were stopped early",
        "searched": searched.replace("_", " "),
        "found": named(found["best"]),
    }


def _of_data(description: Description, data: DataSet) -> dict[str, str]:
    split = description.split
    counts = (
        f"{len(data.train):,} to train on, {len(data.validation):,} to validate with, "
        f"{len(data.test):,} to test with"
    )
    found = {"data": Path(description.path).name, "licence": description.licence, "items": counts}
    found["split"] = f"{split.validation:g} and {split.test:g} held out, seed {split.seed}"
    if description.kind == "images":
        height, width, *colours = data.train.shape
        found["size"] = f"{width}x{height}, {'colour' if colours else 'gray'}"
        found["fit"] = description.fit
        if data.broken:
            found["broken"] = f"{data.broken:,} images left out"
    if data.rows:
        found["columns"] = first_of([column.name for column in data.rows.columns])
        found["missing"] = description.missing
    if description.window:
        found["window"] = f"{description.window.steps} rows, every {description.window.stride}"
    for name in ("key", "label", "series"):
        if value := getattr(description, name):
            found[name] = value
    return found


NOUNS = {"images": "image", "sequences": "sequence", "table": "row"}
