"""How the denoiser of photographs is trained: its batches, its loss, its optimizer."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import keras

from training.autoencoders.photo import Computation, PhotoConfig, build
from training.datasets.photos import Photos
from training.fitting.muon import ConvolutionMuon
from training.photo import dead_units
from training.photo.batches import Batch, Batches
from training.photo.settings import PhotoFitSettings
from training.photo.start import Start
from training.photo.validation import Validation

WEIGHTS = "photo.weights.h5"
ABSOLUTE = "mae"


@dataclass(frozen=True)
class DenoiserPlan:
    """The denoiser, as `training.photo.train` trains it.

    Args:
        config: What to train.
        schedule: How to train.
        computation: Precision and data format.
        start: Whose weights to start from, by default random ones.
    """

    config: PhotoConfig
    schedule: PhotoFitSettings
    computation: Computation
    start: Start | None = None
    weights: str = WEIGHTS

    @property
    def model(self) -> str:
        """The network in words."""
        return str(self.config)

    @property
    def settings(self) -> str:
        """The schedule in words, and what it starts from."""
        return f"{self.schedule}; " + (
            f"from the weights of {self.start}" if self.start else "from random weights"
        )

    @property
    def precision(self) -> str:
        """Keras's dtype policy."""
        return self.computation.precision

    @property
    def smallest(self) -> int:
        """Pixels of the shorter side that a photograph needs."""
        return max(self.schedule.sizes)

    def task(
        self, images: Photos, synthetic: int, validation: Validation, seed: int
    ) -> "Denoising":
        """Return what the loop trains, on images of which the last ones are synthetic."""
        batches = Batches(images, synthetic, self.schedule.pixels, seed)
        return Denoising(
            self.config, self.computation, batches, validation, self.schedule, self.start
        )


@dataclass(frozen=True)
class Denoising:
    """The task of the training loop.

    Args:
        config: What to train.
        computation: Its precision and data format.
        source: What batches are drawn from.
        validation: What to measure on.
        schedule: How to train.
        start: Whose weights to start from.
    """

    config: PhotoConfig
    computation: Computation
    source: Batches
    validation: Validation
    schedule: PhotoFitSettings
    start: Start | None = None

    def build(self) -> keras.Model:
        """Return the model with its initial weights, compiled."""
        model = build(self.config, seed=self.source.seed, computation=self.computation)
        if self.start:
            self.start.load(model)
            if self.config.leak != self.start.leak:
                dead_units.draw_anew(model, self._dead_at_start)
        model.compile(_optimizer(self.schedule, self.computation), ABSOLUTE)
        return model

    @cached_property  # the model and its average are built alike
    def _dead_at_start(self) -> dead_units.DeadUnits:
        """Which units are dead of the network to start from, with its own ReLU."""
        assert self.start
        model = build(replace(self.config, leak=self.start.leak), seed=self.source.seed)
        self.start.load(model)
        return dead_units.find_dead(model, self.validation)

    def size(self, _: int, progress: float) -> int:
        """Return the side of the patches of a batch."""
        return self.schedule.size(progress)

    def step(self, model: keras.Model, batch: Batch, progress: float) -> tuple[Any, int]:
        """Train on a batch, by the error that its time has; return the loss and the pixels."""
        if self.schedule.is_squared(progress) and model.loss == ABSOLUTE:
            model.compile(model.optimizer, _root_mean_square)
        loss = model.train_on_batch([batch.noisy, batch.sigma, batch.profile], batch.clean)
        return loss, batch.clean.size // 3

    def validate(self, average: keras.Model) -> dict[str, float]:
        """Return the PSNR of each kind of noise in dB, and the share of dead units.

        With a leaky ReLU these are linear: they have a gradient.
        """
        share = dead_units.share(dead_units.find_dead(average, self.validation))
        return self.validation.measure(average) | {"dead": round(share, 3)}


def _optimizer(settings: PhotoFitSettings, computation: Computation) -> Any:
    muon = ConvolutionMuon(
        settings.learning_rate,
        weight_decay=settings.weight_decay,
        global_clipnorm=settings.clip,
    )
    if computation.precision == "mixed_float16":  # small gradients would become zero in it
        return keras.optimizers.LossScaleOptimizer(muon)
    return muon


def _root_mean_square(clean: Any, restored: Any) -> Any:
    """Return the mean of the RMSE of each image: one with much noise does not outweigh the rest."""
    squares = keras.ops.mean(keras.ops.square(clean - restored), (1, 2, 3))
    return keras.ops.mean(keras.ops.sqrt(squares + 1e-8))  # the slope of a root at zero is infinite
