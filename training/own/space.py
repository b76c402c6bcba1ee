"""Which settings of a recipe are searched, within which bounds, where the user has not set them."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from training.fitting.recipe import Recipe
from training.own.architectures.convolutional import denoising_levels, levels
from training.own.architectures.dense import widths
from training.own.architectures.recurrent import RECURRENT
from training.own.architectures.sparse import sparse_widths
from training.own.arguments import ACTIVATIONS
from training.own.item import Item
from training.own.options import Options

RATES = 8.0, 4.0
"""What the recipe's learning rate is divided and multiplied by at most."""
SIZES = 2
"""The same of widths and of codings."""
SPARSE = ("sparse-l1", "sparse-kl")
ACTIVATION = {"denoising-convolutional": "relu"}
"""Of recipes whose layers have another one than selu."""
LEVELS: Mapping[str, Callable[[tuple[int, ...]], tuple[int, ...]]] = {
    "convolutional": levels,
    "denoising-convolutional": denoising_levels,
}
"""The filters of the levels of recipes that have some, by the shape of an image."""


@dataclass(frozen=True)
class Choice:
    """A setting that is searched.

    Args:
        name: Of the setting.
        default: The recipe's.
        low: The lowest number; None of names.
        high: The highest number; None of names.
        names: What is chosen from; none of numbers.
    """

    name: str
    default: Any
    low: float | None = None
    high: float | None = None
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ", ".join(self.names) or f"{self.low:g} to {self.high:g}, logarithmic"

    def suggest(self, trial: Any) -> Any:
        """Return what a trial of Optuna is to have."""
        if self.names:
            return trial.suggest_categorical(self.name, self.names)
        whole = isinstance(self.default, int)
        of = trial.suggest_int if whole else trial.suggest_float
        return of(self.name, self.low, self.high, log=True)


def space(name: str, item: Item, options: Options, made: Recipe) -> list[Choice]:
    """Return the settings of a recipe that are left to search.

    Args:
        name: The recipe's.
        item: What models are built for.
        options: What the user has set.
        made: The recipe with these options.
    """
    fit = made.fit or made.greedy
    assert fit
    found = []
    if options.learning_rate is None:
        rate, (down, up) = fit.learning_rate, RATES
        found.append(Choice("learning_rate", rate, rate / down, rate * up))
    if options.activation is None and name != "recurrent":
        found.append(Choice("activation", ACTIVATION.get(name, "selu"), names=ACTIVATIONS))
    width, coding = _sizes(name, item, options)
    if options.units is None and options.filters is None:
        found.append(_around("width", width))
    if options.coding is None and (options.units is None or name == "recurrent"):
        found.append(_around("coding", coding))
    return found


def changed(name: str, item: Item, options: Options, chosen: Mapping[str, Any]) -> Options:
    """Return options with chosen settings in place of the recipe's."""
    fitted = {each: chosen[each] for each in ("learning_rate", "activation") if each in chosen}
    width, coding = chosen.get("width"), chosen.get("coding", options.coding)
    made = replace(options, **fitted, coding=coding)
    if width is None:
        return made
    if name in LEVELS:
        outermost, *_ = default = LEVELS[name](item.sides)
        return replace(made, filters=tuple(max(1, each * width // outermost) for each in default))
    if name == "recurrent":
        return replace(made, units=(width,))
    return replace(made, units=(width, coding))


def _sizes(name: str, item: Item, options: Options) -> tuple[int, int]:
    """Return the width of the outermost layer and the size of a coding, as the recipe has them."""
    if name in LEVELS:
        filters = options.filters or LEVELS[name](item.sides)
        if name == "convolutional":
            return filters[0], filters[-1]
        return filters[0], math.prod(item.sides[2:]) << 2 * len(filters)
    if name == "recurrent":
        return RECURRENT
    return sparse_widths(item) if name in SPARSE else widths(item)


def _around(name: str, default: int) -> Choice:
    return Choice(name, default, max(1, default // SIZES), default * SIZES)


def named(chosen: Mapping[str, Any]) -> str:
    """Return chosen settings in words."""
    return ", ".join(
        f"{name.replace('_', ' ')} {f'{value:.3g}' if isinstance(value, float) else value}"
        for name, value in chosen.items()
    )
