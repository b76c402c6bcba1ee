"""LSTM layers: of sequences, and of the rows of images."""

from typing import TYPE_CHECKING

from training.fitting.recipe import Recipe
from training.fitting.settings import FitSettings
from training.own.item import Item
from training.own.options import Options

if TYPE_CHECKING:
    from training.autoencoders.autoencoder import Autoencoder

RECURRENT = 100, 30
"""Units of the outer LSTM layers of a recurrent model, and of its coding."""


def recurrent(item: Item, options: Options) -> Recipe:
    """Return the recipe of LSTM layers.

    Args:
        item: What the model is built for.
        options: What is to be changed.

    Raises:
        ValueError: It has no use for an option.
    """
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
