"""How the denoiser of photographs is fitted, and how its learning rate goes."""

from dataclasses import dataclass
from typing import Any

import keras


@dataclass(frozen=True)
class PhotoFitSettings:
    """Muon on the mean absolute error; the learning rate rises, stays, then falls to zero.

    steps: batches in all; warmup: steps of the rise; decay: the share of the steps at the end in
    which the learning rate falls, along a line; wide: that in which patches are twice as wide and
    half as many (as in Zamir et al., 2022, arXiv 2111.09881), at most as large. As nothing
    before the fall depends on the number of steps, a training may be resumed with another number
    until then (Hu et al., 2024, arXiv 2404.06395). momentum: of the moving average of the weights,
    which is what is kept, a step. every: steps between two validations, each followed by a
    checkpoint.
    """

    steps: int = 48_000
    batch_size: int = 16
    patch: int = 64
    learning_rate: float = 1.5e-3
    weight_decay: float = 0.05
    warmup: int = 500
    decay: float = 0.9
    wide: float = 0.2
    momentum: float = 0.999
    every: int = 1000

    @property
    def fall(self) -> int:
        """The step after which the learning rate falls."""
        return round(self.steps * (1 - self.decay))

    @property
    def wide_from(self) -> int:
        """The step after which the patches are wide."""
        return round(self.steps * (1 - self.wide))

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
            f"absolute error, Muon with a weight decay of {self.weight_decay:g} and a learning "
            f"rate up to {self.learning_rate:g}, rising in {self.warmup} steps, falling in the "
            f"last {self.decay:.0%}; patches twice as wide and half as many in the last "
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
