"""The length of a training and its learning rate: both follow the share of it that is done."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """The learning rate rises, stays, then falls to zero along a line.

    What changes during the training depends on its progress, the share of all steps, or of the
    time given, that is done. As the learning rate is constant before its fall, a training may be
    resumed with another length until then (Hu et al., 2024, arXiv 2404.06395).

    Args:
        steps: Batches in all.
        minutes: Of training in all, instead of steps; 0 where steps count.
        learning_rate: The highest.
        warmup: Steps in which the learning rate rises.
        decay: Share at the end in which the learning rate falls.
        momentum: Of the moving average of the weights, per step.
        validate_every: Steps between validations.
        save_every: Steps between checkpoints.
    """

    steps: int
    minutes: float = 0
    learning_rate: float
    warmup: int
    decay: float
    momentum: float = 0.999
    validate_every: int = 2000
    save_every: int = 250

    def progress(self, step: int, seconds: float) -> float:
        """Return the share of the training, 0 to 1, that so many steps or seconds are."""
        done = seconds / 60 / self.minutes if self.minutes else step / self.steps
        return min(1.0, done)

    def rate(self, step: int, progress: float) -> float:
        """Return the learning rate of a step, counted from 0."""
        rise = (step + 1) / self.warmup
        fall = (1 - progress) / self.decay
        return self.learning_rate * min(1.0, rise, max(0.0, fall))

    def is_falling(self, progress: float) -> bool:
        """Return whether the learning rate falls at a progress."""
        return progress > 1 - self.decay
