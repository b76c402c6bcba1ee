"""Where a stopped training goes on: weights, their moving average, the optimizer, the step."""

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np

MODEL, AVERAGE = "model.weights.h5", "photo.weights.h5"
OPTIMIZER, POSITION = "optimizer.npz", "position.json"


@dataclass(frozen=True)
class Position:
    """How far a training is: steps done, pixels seen, and seconds spent in all of its runs."""

    step: int = 0
    pixels: int = 0
    seconds: float = 0.0


def position(folder: Path) -> Position:
    """Return how far the training of a checkpoint is, the start where there is none."""
    _recover(folder)
    if not folder.exists():
        return Position()
    return Position(**json.loads((folder / POSITION).read_text()))


def restore(folder: Path, model: keras.Model, average: keras.Model) -> Position:
    """Read a checkpoint into a compiled model and its average; return how far it is.

    Without a checkpoint both stay as they are. Raises ValueError where the optimizer has other
    variables, as it has in another precision.
    """
    found = position(folder)
    if not found.step:
        return found
    model.optimizer.build(model.trainable_variables)
    model.load_weights(folder / MODEL)
    average.load_weights(folder / AVERAGE)
    variables = model.optimizer.variables
    with np.load(folder / OPTIMIZER) as values:
        if len(values) != len(variables):
            raise ValueError(
                f"{folder / OPTIMIZER}: expected {len(variables)} variables, received {len(values)}"
            )
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
    """Take back the checkpoint before, where a stop came between its end and the new one."""
    old = folder.with_suffix(".old")
    if old.exists() and not folder.exists():
        old.rename(folder)
