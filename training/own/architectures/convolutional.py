"""Convolutions: of images, and of images with noise."""

import math
from typing import TYPE_CHECKING

from training.fitting.recipe import Recipe
from training.fitting.settings import FitSettings
from training.own.item import Item
from training.own.options import Options
from training.pixel_noise import NOISES

if TYPE_CHECKING:
    from training.autoencoders.autoencoder import Autoencoder


def convolutional(item: Item, options: Options) -> Recipe:
    """Return the recipe of convolutions that halve an image a few times.

    Args:
        item: What the model is built for.
        options: What is to be changed.

    Raises:
        ValueError: It has no use for an option.
    """
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


def denoising_convolutional(item: Item, options: Options) -> Recipe:
    """Return the recipe of convolutions that restore images with noise of any kind.

    Args:
        item: What the model is built for.
        options: What is to be changed.

    Raises:
        ValueError: It has no use for an option.
    """
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


def levels(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the filters of the levels that leave at least 3 pixels of the shorter side."""
    levels = max(1, int(math.log2(min(shape[:2]) / 3)))
    return tuple(min(256, 16 << level) for level in range(levels))


def denoising_levels(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the filters of the levels of a convolutional denoiser, two where there is room."""
    return (48, 96)[: min(shape[:2]).bit_length() - 1]
