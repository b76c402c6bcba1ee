"""Train a recipe on one's own data."""

import math
import shlex
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from training.datasets.description import describe
from training.datasets.items import DataSet
from training.fitting import train as fitting
from training.fitting.record import TrainingRecord
from training.fitting.stream import Stream
from training.own.data import changes, counted, load
from training.own.item import Item
from training.own.options import Options
from training.own.preprocessing import Preprocessing
from training.own.recipes import check, recipe
from training.own.search import Found, Search
from training.pixel_noise import Floats
from training.record import TRIALS, clear

SAMPLES = "samples.npy"
"""Items to train on, in a run's folder, on which the export compares graphs and Keras."""
SAMPLED = 6


@dataclass(frozen=True)
class Scaled:
    """Items as a model trains on them; those to validate with are in memory."""

    train: Floats | Stream
    validation: Floats

    @classmethod
    def of(cls, data: DataSet, memory: float) -> Self:
        """Return the items of a data set.

        Args:
            data: The data set.
            memory: GiB of items to train on, and of items to validate with; of more than that, the
                former are read while the model trains, and the latter are some.
        """
        room = memory * 2**30
        train = Stream(data.train, data.scaled)
        every = math.ceil(data.validation.nbytes / room)
        return cls(
            train if data.train.nbytes > room else data.scaled(data.train.all()),
            data.scaled(data.validation.take(slice(None, None, every))),
        )


def train(name: str, options: Namespace) -> None:
    """Train a recipe into `options.runs`/`options.name`, or resume what was stopped there.

    Args:
        name: The recipe's.
        options: Those of the command line.

    Raises:
        OSError: The data cannot be read, or the folder holds something else.
        ValueError: The data or an option cannot be used.
    """
    description = describe(options.data, changes(options))
    check(name, description.kind)
    data = load(description)
    for note in data.notes:
        print(note)
    preprocessing = Preprocessing.of(data)
    shape: tuple[int | None, ...] = data.train.shape
    if description.kind == "sequences" and description.window is None and name == "recurrent":
        preprocessing, shape = preprocessing.of_any_length(), (None, *data.train.shape[1:])
    item = Item(
        description.kind,
        shape,
        masks=data.scaling is not None and data.scaling.missing,
        count=len(data.train),
        pads=data.train.lengths is not None,
    )
    chosen = Options.of(options)
    folder, scaled = options.runs / options.name, Scaled.of(data, options.memory)
    again, found = options.again, None
    if options.trials:
        if again:
            clear(folder)
        again = False  # or the trials would be removed
        source = {"data": data.digest, "split": description.split.model_dump(mode="json")}
        found = _search(name, item, chosen, options, scaled, source)
        chosen = found.options
        print(found)
    made = recipe(name, item, chosen)
    print(f"== {options.name}: {made.summary}, on {counted(description, data)}")
    fitting.train(
        made,
        scaled,
        folder,
        seed=options.seed,
        command=_command(options.words),
        own={
            "recipe": name,
            "summary": made.summary,
            "denoises": bool(made.noises),
            "data": {**description.model_dump(mode="json"), "sha256": data.digest},
            "trained_on": counted(description, data),
            "broken": data.broken,
            **preprocessing.to_json(),
            **({"search": found.record} if found else {}),
        },
        again=again,
    )
    np.save(folder / SAMPLES, data.train.alike(SAMPLED))


def _search(
    name: str,
    item: Item,
    chosen: Options,
    options: Namespace,
    data: Scaled,
    source: Mapping[str, Any],
) -> Found:
    """Return the best settings of as many trials as the options name.

    Args:
        name: The recipe's.
        item: What models are built for.
        chosen: What the user has set.
        options: Those of the command line.
        data: The items.
        source: What tells them and their parts from others, in JSON's types.
    """
    folder = options.runs / options.name
    earlier = TrainingRecord.find(folder)
    if earlier and not (folder / TRIALS).exists():
        raise FileExistsError(
            f"{folder}: expected trials, or nothing, received a training without them; --again "
            "replaces it, --runs names another folder"
        )
    found = Search(name, item, chosen, options.seed).find(
        data,
        folder,
        options.trials,
        {"recipe": name, **source, "seed": options.seed, "options": repr(chosen)},
    )
    if earlier and earlier.own.get("search") not in (None, found.record):
        clear(folder, keep=TRIALS)  # of fewer trials of the same search
    return found


def _command(words: Sequence[str]) -> str:
    kept = [word for word in words if word != "--again"]
    return shlex.join(["python", "-m", "training", *kept])
