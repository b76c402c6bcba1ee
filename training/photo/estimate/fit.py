"""How the estimator of noise is trained: its batches, its loss, its optimizer."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from training.datasets.photos import Photos
from training.photo.estimate.network import OUTPUTS, EstimatorConfig, created
from training.photo.estimate.samples import CROPS, OFFSET, Batch, Samples
from training.photo.schedule import Schedule
from training.photo.validation import Validation

WEIGHTS = "estimator.weights.h5"
SIZES = (288, 256, 192, 128)
"""Sides of the images of one batch after the other, in pixels."""
IMPORTANCE = (3.0, 1.5, 3.0, 0.5, 0.5, 0.5)
"""Weights of the errors: what the denoiser loses by them, above all by a wrong correlation of
neighbours, whose range is small, and least by wrong levels in shadows and highlights."""
LEAN = 0.4
"""How much more than their mean the worse side costs: an estimate that is too high where no noise
was added, one that is too low where noise of STRONG or more was. Between the two it changes with
the logarithm.

Told too high a level, the denoiser takes detail from a clean photograph, and from one that is
nothing but compressed; told too low a one, it leaves blotches, which look worse than even noise."""
STRONG = 6.0
"""A noise level on the scale of 0 to 255."""


@dataclass(frozen=True, kw_only=True)
class EstimatorSettings(Schedule):
    """Adam on the mean absolute error, whose sides weigh differently for the noise level.

    Args:
        pixels: Of a batch, at most.
    """

    pixels: int = 800_000
    steps: int = 12_000
    learning_rate: float = 2e-3
    warmup: int = 100
    decay: float = 0.8
    validate_every: int = 500

    def __str__(self) -> str:
        sizes = ", ".join(map(str, SIZES))
        weights = ", ".join(f"{each:g}" for each in IMPORTANCE)
        return (
            f"batches of up to {self.pixels / 1e6:g} MP, images of {sizes} pixels in turn, mean "
            f"absolute error weighted by {weights}, of the level leaning by {LEAN:.0%} to low ones "
            f"where no noise was added before JPEG and to high ones from {STRONG:g} on, Adam "
            f"with a learning rate up to {self.learning_rate:g}, rising in {self.warmup} steps, "
            f"falling in the last {self.decay:.0%}; moving average of the weights {self.momentum:g}"
        )


@dataclass(frozen=True)
class EstimatorPlan:
    """The estimator, as `training.photo.train` trains it.

    Args:
        config: What to train.
        schedule: How to train.
    """

    config: EstimatorConfig
    schedule: EstimatorSettings
    weights: str = WEIGHTS
    precision: str = "float32"
    smallest: int = max(size // max(CROPS[size]) for size in SIZES)

    @property
    def model(self) -> str:
        """The network in words."""
        return str(self.config)

    @property
    def settings(self) -> str:
        """The schedule in words."""
        return str(self.schedule)

    def task(
        self, images: Photos, synthetic: int, validation: Validation, seed: int
    ) -> "Estimating":
        """Return what the loop trains, on images of which the last ones are synthetic."""
        source = Samples(images, synthetic, self.schedule.pixels, seed)
        return Estimating(self.config, source, validation, self.schedule)


@dataclass(frozen=True)
class Estimating:
    """The task of the training loop.

    Args:
        config: What to train.
        source: What batches are drawn from.
        validation: What to measure on.
        schedule: How to train.
    """

    config: EstimatorConfig
    source: Samples
    validation: Validation
    schedule: EstimatorSettings

    def build(self) -> keras.Model:
        """Return the untrained estimator, compiled."""
        model = created(self.config, seed=self.source.seed)
        model.compile(keras.optimizers.Adam(self.schedule.learning_rate), weighted_error)
        return model

    def size(self, number: int, _: float) -> int:
        """Return the side of the images of a batch."""
        return SIZES[number % len(SIZES)]

    def step(self, model: keras.Model, batch: Batch, _: float) -> tuple[Any, int]:
        """Train on a batch; return the loss and the pixels."""
        return model.train_on_batch(batch.images, batch.noise), batch.images.size // 3

    def validate(self, average: keras.Model) -> Mapping[str, float]:
        """Return the error of each kind of noise, of the level's logarithm and of the profile.

        Of clean crops and of those with impulses alone, the level that is seen in them.
        """
        measured = {}
        for name, each in self.validation.conditions.items():
            estimates = np.concatenate(
                [np.asarray(average.predict_on_batch(crop[None])) for crop in each.noisy]
            )
            levels = np.exp(estimates[:, 0]) - OFFSET
            if name in ("clean", "impulse"):
                measured[name] = round(float(levels.mean()), 3)
            else:
                errors = estimates[:, 0] - np.log(each.sigma + OFFSET)
                measured[name] = round(float(errors.mean()), 3)
                measured[f"{name}_spread"] = round(float(errors.std()), 3)
                profiles = np.abs(estimates[:, 1:] - each.profile)
                measured[f"{name}_profile"] = round(float(profiles.mean()), 3)
        return measured


def weighted_error(expected: Any, estimated: Any) -> Any:
    """Return the mean absolute error, each number of an estimate by its importance.

    That of the level leans: it is twice the pinball loss (Koenker and Bassett, 1978, Econometrica
    46) of a quantile that depends on the true level before JPEG.
    """
    errors = expected[:, :OUTPUTS] - estimated
    none, strong = math.log(OFFSET), math.log(STRONG + OFFSET)
    lean = LEAN * ops.clip(2 * (expected[:, OUTPUTS:] - none) / (strong - none) - 1, -1, 1)
    leans = ops.pad(lean, ((0, 0), (0, OUTPUTS - 1)))
    weights = ops.convert_to_tensor(IMPORTANCE, "float32")
    return ops.mean((ops.abs(errors) + leans * errors) * weights)
