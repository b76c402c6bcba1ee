"""Dense layers with a wide coding that a penalty keeps sparse."""

from typing import TYPE_CHECKING

from training.fitting.recipe import Recipe
from training.fitting.settings import FitSettings
from training.own.architectures.dense import Make, coded
from training.own.item import Item
from training.own.options import Options

if TYPE_CHECKING:
    from training.autoencoders.autoencoder import Autoencoder


def sparse(penalty: str) -> Make:
    """Return what makes the recipe of a coding with a penalty, "l1" or "kl"."""

    def make(item: Item, options: Options) -> Recipe:
        options.refuse(f"sparse-{penalty}", "filters")
        if options.units and len(options.units) != 2:
            raise ValueError(
                f"--units: expected two numbers for sparse-{penalty}, hidden and coding"
            )
        hidden, coding = coded(options, sparse_widths(item))

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


def sparse_widths(item: Item) -> tuple[int, int]:
    """Return the widths of the hidden layer and of the coding of a sparse model."""
    return min(100, 2 * item.size), min(300, 4 * item.size)
