"""What a training on Fashion-MNIST came to, for its report."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.datasets import fashion_mnist
from training.fashion.recipes import RECIPES
from training.fitting.described import facts, runs
from training.fitting.train import load as load_run
from training.pixel_noise import NOISES, Floats
from training.results import Part, Results, read_losses


@dataclass(frozen=True)
class Images:
    """Images (n, height, width) in [0, 1] that are in memory."""

    array: Floats

    def __len__(self) -> int:
        return len(self.array)

    def take(self, positions: Any) -> Floats:
        taken: Floats = self.array[positions]
        return taken


def read(run: Path, data: Path | None, subset: int | None) -> Results:
    """Return what a training came to.

    Args:
        run: The training's folder, named like the model.
        data: Folder of Fashion-MNIST's four files, as `fashion_mnist.load` has it.
        subset: Show a tenth as many validation and test images, instead of all.

    Raises:
        FileNotFoundError: The training has not ended, or there are no images.
        ValueError: A file is damaged.
    """
    autoencoder, record = load_run(run)
    recipe = RECIPES[run.name]
    images = fashion_mnist.load(data, subset=subset)
    encode, reconstruct = runs(autoencoder, None)
    of_data = {
        "data": "Fashion-MNIST",
        "items": f"{record.training_images:,} to train on, {record.validation_images:,} to "
        f"validate with, {len(images.test):,} to test with",
    }
    return Results(
        name=run.name,
        summary=f"{recipe.summary}, on Fashion-MNIST",
        kind="images",
        facts={**of_data, **facts(record, autoencoder)},
        data=of_data,
        notes=(),
        digest=f"Fashion-MNIST, {len(images.test)} test images",
        losses=read_losses(run),
        validation=_part("validation", images.validation, images.validation_labels),
        test=_part("test", images.test, images.test_labels),
        rows=None,
        encode=encode,
        reconstruct=reconstruct,
        noises=NOISES if run.name.startswith("denoising") else (),
    )


def _part(name: str, images: Floats, labels: NDArray[np.uint8]) -> Part:
    classes = np.array(fashion_mnist.CLASSES)[labels]
    return Part(name, Images(images), lambda position: f"image {position:,}", classes)
