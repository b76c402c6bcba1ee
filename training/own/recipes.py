"""The recipes for one's own data: the chapter's architectures, their sizes by those of an item.

To list them needs no Keras: builders are imported when a model is built.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from training.datasets.description import Kind
from training.fitting.recipe import Recipe
from training.fitting.settings import FitSettings
from training.own.options import Options
from training.pixel_noise import NOISES, Noise

if TYPE_CHECKING:
    from training.autoencoders.autoencoder import Autoencoder

LARGE = 10_000
"""Items from which on batches are larger."""
FEWEST_STEPS = 1500
"""Updates of the weights that small data sets need, in more epochs."""
MOST_EPOCHS = 300
RECURRENT = 100, 30
"""Units of the outer LSTM layers of a recurrent model, and of its coding."""


@dataclass(frozen=True)
class Item:
    """What a model is built for.

    Args:
        kind: Of the data.
        shape: Of an item; None for any number of steps.
        masks: Whether numbers may be missing.
        count: Items to train on.
        pads: Whether they are sequences of several lengths.
    """

    kind: Kind
    shape: tuple[int | None, ...]
    masks: bool
    count: int
    pads: bool = False

    @property
    def sides(self) -> tuple[int, ...]:
        """The shape of items that are all of one size."""
        return tuple(side or 0 for side in self.shape)

    @property
    def size(self) -> int:
        """Numbers of an item."""
        return math.prod(self.sides)

    @property
    def output_activation(self) -> str:
        """Of the last layer: pixels are in [0, 1], scaled numbers are not."""
        return "sigmoid" if self.kind == "images" else "linear"


Build = Callable[[int], "Autoencoder"]


def recipe(name: str, item: Item, options: Options) -> Recipe:
    """Return a recipe for items.

    Args:
        name: One of `RECIPES`.
        item: What the model is built for.
        options: What is to be changed.

    Raises:
        ValueError: The recipe is for other data, or has no use for an option.
    """
    if item.kind not in FOR[name]:
        expected = ", ".join(each for each, kinds in FOR.items() if item.kind in kinds)
        raise ValueError(f"recipe: expected one of {expected} for {item.kind}, received {name}")
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


def _stacked(item: Item, options: Options) -> Recipe:
    return Recipe(
        "Dense layers, trained as a whole",
        _dense(item, options, "stacked"),
        FitSettings(epochs=100, learning_rate=8e-3, patience=20),
    )


def _layerwise(item: Item, options: Options) -> Recipe:
    return Recipe(
        "Dense layers, trained greedily, one shallow autoencoder at a time, then fine-tuned",
        _dense(item, options, "stacked-layerwise"),
        FitSettings(epochs=50, learning_rate=8e-3),
        greedy=FitSettings(epochs=50),
    )


def _convolutional(item: Item, options: Options) -> Recipe:
    options.refuse("convolutional", "units")

    def build(seed: int) -> "Autoencoder":
        from training.autoencoders.convolutional import ConvolutionalConfig, build

        filters = options.filters or levels(item.sides)
        if options.coding:
            filters = (*filters[:-1], options.coding)
        return build(
            ConvolutionalConfig(filters, item.sides, options.activation or "selu"), seed=seed
        )

    return Recipe(
        "Convolutions and pooling, then transposed convolutions",
        build,
        FitSettings(epochs=100, batch_size=64, learning_rate=3e-3),
    )


def _denoising_convolutional(item: Item, options: Options) -> Recipe:
    options.refuse("denoising-convolutional", "units")

    def build(seed: int) -> "Autoencoder":
        from training.autoencoders import denoising_convolutional
        from training.autoencoders.corruption import every_noise

        config = denoising_convolutional.DenoisingConvolutionalConfig(
            options.filters or denoising_levels(item.sides),
            coding=options.coding,
            shape=item.sides,
            activation=options.activation or "relu",
        )
        return denoising_convolutional.build(config, seed=seed, corruption=every_noise(seed))

    return Recipe(
        "Convolutions and pooling, trained to restore images with dead pixels or Gaussian noise",
        build,
        FitSettings(
            epochs=30, batch_size=64, learning_rate=3e-3, loss="root mse", convolutions=True
        ),
        noises=NOISES,
    )


def _recurrent(item: Item, options: Options) -> Recipe:
    options.refuse("recurrent", "filters", "activation")
    if options.units and len(options.units) > 1:
        raise ValueError("--units: expected one number for recurrent, that of the outer layers")

    def build(seed: int) -> "Autoencoder":
        from training.autoencoders.recurrent import RecurrentConfig, build

        width, coding = RECURRENT
        config = RecurrentConfig(
            options.units[0] if options.units else width,
            options.coding or coding,
            item.shape,
            output_activation=item.output_activation,
            pads=item.pads,
        )
        return build(config, seed=seed)

    of = "an image" if item.kind == "images" else "a sequence"
    return Recipe(f"LSTM layers over the rows of {of}", build, FitSettings(epochs=100))


def _denoising(noise: Noise) -> Callable[[Item, Options], Recipe]:
    name = "denoising-dropout" if noise.kind == "dead pixels" else "denoising-gaussian"
    what = "dead pixels" if noise.kind == "dead pixels" else "Gaussian noise"

    def make(item: Item, options: Options) -> Recipe:
        return Recipe(
            f"Dense layers, trained to restore images with {what}",
            _dense(item, options, name, noise),
            FitSettings(epochs=100),
            noises=(noise,),
        )

    return make


def _sparse(penalty: str) -> Callable[[Item, Options], Recipe]:
    def make(item: Item, options: Options) -> Recipe:
        options.refuse(f"sparse-{penalty}", "filters")
        if options.units and len(options.units) != 2:
            raise ValueError(
                f"--units: expected two numbers for sparse-{penalty}, hidden and coding"
            )
        hidden, coding = _coded(options, sparse_widths(item))

        def build(seed: int) -> "Autoencoder":
            from training.autoencoders.sparse import SparseConfig, build

            l1 = penalty == "l1"
            config = SparseConfig(
                "l1" if l1 else "kl",
                weight=1e-3 if l1 else 0.05,
                bounds=(1.0, 0.43) if l1 else None,
                bias=-3.0 if l1 else 0.0,
                hidden=hidden,
                coding=coding,
                shape=item.sides,
                activation=options.activation or "selu",
                output_activation=item.output_activation,
            )
            return build(config, seed=seed)

        of_images = item.kind == "images"
        settings = (
            FitSettings(epochs=100, loss="binary_crossentropy" if of_images else "mse")
            if penalty == "l1"
            else FitSettings(epochs=100, learning_rate=3e-3, loss_weight=64.0 if of_images else 1.0)
        )
        how = "an l1 penalty" if penalty == "l1" else "its divergence from a mean activation of 0.1"
        return Recipe(f"A coding of {coding} kept sparse by {how}", build, settings)

    return make


def _coded(options: Options, units: tuple[int, ...]) -> tuple[int, ...]:
    """Return the widths that are asked for, by default those given, with the coding's as the last.

    Raises:
        ValueError: Two sizes of a coding are asked for.
    """
    if options.units and options.coding not in (None, options.units[-1]):
        raise ValueError(
            f"--coding: expected {options.units[-1]}, the last of --units, or none, received "
            f"{options.coding}"
        )
    units = options.units or units
    return (*units[:-1], options.coding) if options.coding else units


def _dense(item: Item, options: Options, name: str, noise: Noise | None = None) -> Build:
    options.refuse(name, "filters")
    units = _coded(options, widths(item))

    def build(seed: int) -> "Autoencoder":
        from training.autoencoders import stacked
        from training.autoencoders.corruption import ClippedGaussianNoise, DeadPixels

        corruption = None
        if noise:
            corruption = (
                DeadPixels(0.1, 0.7, seed)
                if noise.kind == "dead pixels"
                else ClippedGaussianNoise(0.0, 0.6, seed)
            )
        output = item.output_activation if noise else "linear"
        config = stacked.StackedConfig(units, output, item.sides, options.activation or "selu")
        return stacked.build(config, seed=seed, corruption=corruption)

    return build


def sparse_widths(item: Item) -> tuple[int, int]:
    """Return the widths of the hidden layer and of the coding of a sparse model."""
    return min(100, 2 * item.size), min(300, 4 * item.size)


def widths(item: Item) -> tuple[int, int]:
    """Return the widths of a hidden layer and of the coding: the chapter's, of a table fewer."""
    coding = max(1, min(30, item.size // 3))
    return max(coding, min(100, 2 * item.size)), coding


def levels(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the filters of the levels that leave at least 3 pixels of the shorter side."""
    levels = max(1, int(math.log2(min(shape[:2]) / 3)))
    return tuple(min(256, 16 << level) for level in range(levels))


def denoising_levels(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the filters of the levels of a convolutional denoiser, two where there is room."""
    return (48, 96)[: min(shape[:2]).bit_length() - 1]


RECIPES: Mapping[str, Callable[[Item, Options], Recipe]] = MappingProxyType(
    {
        "stacked": _stacked,
        "stacked-layerwise": _layerwise,
        "convolutional": _convolutional,
        "recurrent": _recurrent,
        "denoising-dropout": _denoising(Noise("dead pixels", 0.5)),
        "denoising-gaussian": _denoising(Noise("gaussian", 0.4)),
        "denoising-convolutional": _denoising_convolutional,
        "sparse-l1": _sparse("l1"),
        "sparse-kl": _sparse("kl"),
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
