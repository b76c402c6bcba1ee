"""Dense layers: trained as a whole, layer by layer, or to remove noise."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from training.fitting.recipe import Recipe
from training.fitting.settings import FitSettings
from training.own.item import Item
from training.own.options import Options
from training.pixel_noise import Noise

if TYPE_CHECKING:
    from training.autoencoders.autoencoder import Autoencoder

Build = Callable[[int], "Autoencoder"]
Make = Callable[[Item, Options], Recipe]


def stacked(item: Item, options: Options) -> Recipe:
    """Return the recipe of Dense layers that are trained as a whole.

    Args:
        item: What the model is built for.
        options: What is to be changed.

    Raises:
        ValueError: It has no use for an option.
    """
    return Recipe(
        "Dense layers, trained as a whole",
        _dense(item, options, "stacked"),
        FitSettings(epochs=100, learning_rate=8e-3, patience=20),
    )


def layerwise(item: Item, options: Options) -> Recipe:
    """Return the recipe of Dense layers that are trained one after the other.

    Args:
        item: What the model is built for.
        options: What is to be changed.

    Raises:
        ValueError: It has no use for an option.
    """
    return Recipe(
        "Dense layers, trained greedily, one shallow autoencoder at a time, then fine-tuned",
        _dense(item, options, "stacked-layerwise"),
        FitSettings(epochs=50, learning_rate=8e-3),
        greedy=FitSettings(epochs=50),
    )


def denoising(noise: Noise) -> Make:
    """Return what makes the recipe of Dense layers that restore images with one kind of noise."""
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


def widths(item: Item) -> tuple[int, int]:
    """Return the widths of a hidden layer and of the coding: the chapter's, of a table fewer."""
    coding = max(1, min(30, item.size // 3))
    return max(coding, min(100, 2 * item.size)), coding


def coded(options: Options, units: tuple[int, ...]) -> tuple[int, ...]:
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
    units = coded(options, widths(item))

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
