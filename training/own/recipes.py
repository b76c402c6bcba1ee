"""The recipes for one's own data: the chapter's architectures, their sizes by those of an item.

To list them needs no Keras: builders are imported when a model is built.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from training.datasets.description import Kind
from training.fitting.recipe import Recipe
from training.fitting.settings import FitSettings
from training.own.architectures import convolutional, dense, recurrent, sparse
from training.own.item import Item
from training.own.options import Options
from training.pixel_noise import Noise

LARGE = 10_000
"""Items from which on batches are larger."""
FEWEST_STEPS = 1500
"""Updates of the weights that small data sets need, in more epochs."""
MOST_EPOCHS = 300


def check(name: str, kind: Kind) -> None:
    """Raise ValueError where a recipe is for other data."""
    if kind not in FOR[name]:
        expected = ", ".join(each for each, kinds in FOR.items() if kind in kinds)
        raise ValueError(f"recipe: expected one of {expected} for {kind}, received {name}")


def recipe(name: str, item: Item, options: Options) -> Recipe:
    """Return a recipe for items.

    Args:
        name: One of `RECIPES`.
        item: What the model is built for.
        options: What is to be changed.

    Raises:
        ValueError: The recipe is for other data, or has no use for an option.
    """
    check(name, item.kind)
    if item.pads and name != "recurrent":
        raise ValueError(
            f"recipe: expected recurrent for sequences of several lengths, received {name}; "
            "--window cuts them into windows of one"
        )
    made = replace(RECIPES[name](item, options), pads=item.pads)
    if not options.fine_tuning:
        made = made.changed(fine_tuning=False)
    return replace(
        made,
        fit=made.fit and _fitted(made.fit, item, options),
        greedy=made.greedy and _fitted(made.greedy, item, options),
    )


def _fitted(settings: FitSettings, item: Item, options: Options) -> FitSettings:
    changes = {
        name: value
        for name, value in options.given().items()
        if name in ("epochs", "batch_size", "learning_rate", "patience")
    }
    if item.masks:
        changes["loss"] = "masked mse"
    if item.pads:
        changes["loss"] = "mse of known steps"
    size = settings.batch_size if item.count >= LARGE else min(32, settings.batch_size)
    size = changes.setdefault("batch_size", size)
    epochs = math.ceil(FEWEST_STEPS / math.ceil(item.count / size))
    changes.setdefault("epochs", max(settings.epochs, min(epochs, MOST_EPOCHS)))
    return replace(settings, **changes)


RECIPES: Mapping[str, dense.Make] = MappingProxyType(
    {
        "stacked": dense.stacked,
        "stacked-layerwise": dense.layerwise,
        "convolutional": convolutional.convolutional,
        "recurrent": recurrent.recurrent,
        "denoising-dropout": dense.denoising(Noise("dead pixels", 0.5)),
        "denoising-gaussian": dense.denoising(Noise("gaussian", 0.4)),
        "denoising-convolutional": convolutional.denoising_convolutional,
        "sparse-l1": sparse.sparse("l1"),
        "sparse-kl": sparse.sparse("kl"),
    }
)

_IMAGES: tuple[Kind, ...] = ("images",)
FOR: Mapping[str, tuple[Kind, ...]] = MappingProxyType(
    {
        "stacked": ("images", "sequences", "table"),
        "stacked-layerwise": ("images", "sequences", "table"),
        "convolutional": _IMAGES,
        "recurrent": ("images", "sequences"),
        "denoising-dropout": _IMAGES,
        "denoising-gaussian": _IMAGES,
        "denoising-convolutional": _IMAGES,
        "sparse-l1": ("images", "table"),
        "sparse-kl": ("images", "table"),
    }
)
"""The kinds of data that each recipe is for."""
