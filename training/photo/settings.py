"""How the denoiser of photographs is fitted, and how its learning rate goes."""

from dataclasses import dataclass
from typing import Any

import keras


@dataclass(frozen=True)
class PhotoFitSettings:
    """Muon on the error of each patch; the learning rate rises, stays, then falls to zero.

    steps: batches in all; warmup: steps of the rise; decay: the share of the steps at the end in
    which the learning rate falls, along a line; wide: that in which patches are twice as wide and
    half as many (as in Zamir et al., 2022, arXiv 2111.09881), at most as large; squared: that in
    which the error is the root of the mean square, which PSNR is made of, instead of the mean of
    the absolute differences. As nothing before the fall depends on the number of steps, a training
    may be resumed with another number until then (Hu et al., 2024, arXiv 2404.06395). momentum: of
    the moving average of the weights, which is what is kept, a step. every: steps between two
    validations, each followed by a checkpoint. Raises ValueError where the learning rate would fall
    later than patches become wide or errors squared.
    """

    steps: int = 64_000
    batch_size: int = 16
    patch: int = 64
    learning_rate: float = 1.5e-3
    weight_decay: float = 0.05
    warmup: int = 500
    decay: float = 0.9
    wide: float = 0.4
    squared: float = 0.25
    momentum: float = 0.999
    every: int = 1000

    def __post_init__(self) -> None:
        if max(self.wide, self.squared) > self.decay:
            raise ValueError(
                f"expected shares of at most {self.decay:g} for wide and squared, received "
                f"{self.wide:g} and {self.squared:g}"
            )

    @property
    def fall(self) -> int:
        """The step after which the learning rate falls."""
        return round(self.steps * (1 - self.decay))

    @property
    def wide_from(self) -> int:
        """The step after which the patches are wide."""
        return round(self.steps * (1 - self.wide))

    @property
    def squared_from(self) -> int:
        """The step after which errors are squared."""
        return round(self.steps * (1 - self.squared))

    @property
    def widest(self) -> int:
        """The side of the widest patches, in pixels."""
        return 2 * self.patch

    @property
    def pixels(self) -> int:
        """The pixels of all batches: one of wide patches has twice as many."""
        return (2 * self.steps - self.wide_from) * self.batch_size * self.patch**2

    def __str__(self) -> str:
        return (
            f"batches of {self.batch_size} patches of {self.patch} x {self.patch} pixels, mean "
            f"absolute error, in the last {self.squared:.0%} root mean square error of each patch, "
            f"Muon with a weight decay of {self.weight_decay:g} and a learning rate up to "
            f"{self.learning_rate:g}, rising in {self.warmup} steps, falling in the last "
            f"{self.decay:.0%}; patches twice as wide and half as many in the last "
            f"{self.wide:.0%}; moving average of the weights {self.momentum:g}"
        )


@keras.saving.register_keras_serializable("autoencoders")
class RiseStayFall(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that rises for the warm-up, stays, and falls to zero from a step on."""

    def __init__(self, highest: float, warmup: int, fall: int, end: int) -> None:
        self.highest, self.warmup, self.fall, self.end = highest, warmup, fall, end

    def __call__(self, step: Any) -> Any:
        step = keras.ops.cast(step, "float32")
        rise = (step + 1) / self.warmup
        fall = (self.end - step) / max(self.end - self.fall, 1)
        return self.highest * keras.ops.clip(keras.ops.minimum(rise, fall), 0.0, 1.0)

    def get_config(self) -> dict[str, Any]:
        return {
            "highest": self.highest,
            "warmup": self.warmup,
            "fall": self.fall,
            "end": self.end,
        }
