"""Autoencoders that several experiments share: trained once for a seed, then read."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.autoencoders.autoencoder import Autoencoder
from training.experiments.setup import Setup
from training.fashion.recipes import RECIPES
from training.fitting.described import Run, runs
from training.fitting.recipe import Recipe
from training.fitting.train import MODEL_FILE, Data, load, train
from training.pixel_noise import Floats

COMMAND = "python -m training experiment"
"""What a run's record says that it was trained by."""


@dataclass(frozen=True)
class Trained:
    """A trained autoencoder.

    Args:
        autoencoder: Its models.
        encode: Items -> codings (n, ...).
        reconstruct: Items -> reconstructions.
    """

    autoencoder: Autoencoder
    encode: Run
    reconstruct: Run

    def codings(self, items: Floats) -> Floats:
        """Return the codings of items as vectors, (n, numbers)."""
        return flat(self.encode(items))


def flat(items: Floats) -> Floats:
    """Return items (n, ...) as vectors."""
    return items.reshape(len(items), -1)


def fashion(setup: Setup, name: str, seed: int, *, recipe: Recipe | None = None) -> Trained:
    """Return an autoencoder of Fashion-MNIST.

    Args:
        setup: The data and the epochs of each phase.
        name: Of the recipe.
        seed: Of weights, batches and noise.
        recipe: In place of the recipe of that name.
    """
    changed = (recipe or RECIPES[name]).changed(epochs=setup.epochs)
    return trained(changed, setup.data, setup.folder("models") / f"{name}-seed-{seed}", seed=seed)


def trained(
    recipe: Recipe, data: Data, folder: Path, *, seed: int, own: Mapping[str, Any] | None = None
) -> Trained:
    """Return an autoencoder that is trained, if it is not yet, in the folder of a run.

    Args:
        recipe: What to build and how to fit it.
        data: The items.
        folder: Of the run.
        seed: Of weights, batches and noise.
        own: What identifies the items beside their number.
    """
    if not (folder / MODEL_FILE).exists():
        print(f"training: {folder}", flush=True)
    train(recipe, data, folder, seed=seed, command=COMMAND, own=own, announce=_ignore)
    autoencoder, _ = load(folder)
    return Trained(autoencoder, *runs(autoencoder, None))


def _ignore(line: str) -> None:
    """Announce nothing: an experiment says what it trains and what it has measured."""
