"""The checkpoint of a training: weights, their moving average, the optimizer, the position."""

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np

from training.record import reading

MODEL, AVERAGE = "model.weights.h5", "average.weights.h5"
OPTIMIZER, POSITION = "optimizer.npz", "position.json"


@dataclass(frozen=True)
class Position:
    """How far a training is: steps done, pixels seen, and seconds spent in all of its runs."""

    step: int = 0
    pixels: int = 0
    seconds: float = 0.0


def position(folder: Path) -> Position:
    """Return how far the training of a checkpoint is, the start where there is none.

    Raises:
        FileNotFoundError: A file of the checkpoint is missing.
        ValueError: A file of it is damaged; the error names it.
    """
    _recover(folder)
    if not folder.exists():
        return Position()
    path = folder / POSITION
    with reading(path, "the position of a training"):
        return Position(**json.loads(path.read_text()))


def restore(folder: Path, model: keras.Model, average: keras.Model) -> Position:
    """Read a checkpoint into a compiled model and its average; without one both stay as they are.

    Args:
        folder: The checkpoint.
        model: A compiled model.
        average: A model of the same configuration, for the moving average of the weights.

    Returns:
        How far the training is.

    Raises:
        FileNotFoundError: A file of the checkpoint is missing.
        ValueError: A file of it is damaged, or the optimizer has other variables, as it has in
            another precision; the error names the file.
    """
    found = position(folder)
    if not found.step:
        return found
    model.optimizer.build(model.trainable_variables)
    for network, name in ((model, MODEL), (average, AVERAGE)):
        with reading(folder / name, "weights of the model"):
            network.load_weights(folder / name)
    variables = model.optimizer.variables
    path = folder / OPTIMIZER
    # np.load() would leave a damaged file open that it opened itself.
    with (
        reading(path, "variables of the optimizer"),
        path.open("rb") as file,
        np.load(file) as values,
    ):
        if len(values) != len(variables):
            raise ValueError(f"{len(values)} variables instead of {len(variables)}")
        for index, variable in enumerate(variables):
            variable.assign(values[str(index)])
    return found


def write(folder: Path, reached: Position, model: keras.Model, average: keras.Model) -> None:
    """Write a checkpoint in place of the one before, whole or not at all."""
    draft, old = folder.with_suffix(".new"), folder.with_suffix(".old")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    model.save_weights(draft / MODEL)
    average.save_weights(draft / AVERAGE)
    values = [keras.ops.convert_to_numpy(each) for each in model.optimizer.variables]
    np.savez(draft / OPTIMIZER, **{str(index): value for index, value in enumerate(values)})
    (draft / POSITION).write_text(json.dumps(asdict(reached)))
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    draft.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _recover(folder: Path) -> None:
    """Put the previous checkpoint back, where a stop came before the new one took its place."""
    old = folder.with_suffix(".old")
    if old.exists() and not folder.exists():
        old.rename(folder)
