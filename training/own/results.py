"""What a training on one's own data came to, for its report."""

from pathlib import Path
from typing import Any

import numpy as np

from training.datasets.description import Description
from training.datasets.items import DataSet, Items
from training.fitting.described import facts, runs
from training.fitting.train import load as load_run
from training.own.data import counted, reload
from training.own.preprocessing import Preprocessing
from training.own.space import named
from training.pixel_noise import NOISES
from training.results import Part, Results, read_losses


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
    validation = _part("validation", found.validation, found, description)
    return Results(
        name=run.name,
        summary=f"{own['summary']}, on {counted(description, found)}",
        kind=description.kind,
        facts={
            "recipe": own["recipe"],
            **_of_search(own.get("search")),
            **_of_data(description, found),
            **facts(record, autoencoder),
        },
        notes=found.notes,
        digest=found.digest,
        losses=read_losses(run),
        validation=validation,
        test=_part("test", found.test, found, description) if len(found.test) else validation,
        rows=found.rows,
        encode=encode,
        reconstruct=reconstruct,
        noises=NOISES if own["denoises"] else (),
    )


def _part(name: str, items: Items, data: DataSet, description: Description) -> Part:
    steps = items.shape[0]
    is_cut = description.kind == "sequences" and description.window is not None

    def title(position: int) -> str:
        index = int(items.indices[position])
        if data.sources:
            return data.sources[index]
        if is_cut:
            return f"rows {index + 1:,} to {index + steps:,}"
        return f"{NOUNS[description.kind]} {index + 1:,}"

    labels = data.labels_of(items)
    if labels is not None:
        labels = np.where(labels == "", "no class", labels)
    return Part(name, items, title, labels)


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
    if data.rows:
        found["columns"] = ", ".join(column.name for column in data.rows.columns)
    if description.window:
        found["window"] = f"{description.window.steps} rows, every {description.window.stride}"
    return found


NOUNS = {"images": "image", "sequences": "sequence", "table": "row"}
