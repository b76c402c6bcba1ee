"""A task of the training loop divided among processes, which then do the steps of one."""

from collections.abc import Mapping
from typing import Any

import keras

from training.photo.loop import Task
from training.photo.processes import Processes
from training.photo.schedule import Schedule
from training.photo.shares import Share, Shares


class Divided:
    """A task of which each process does its share.

    The gradient of a step is the mean over the whole batch, as that of one process is. Losses must
    be means over the samples.

    Args:
        task: The task of one process.
        processes: Among which it is divided.
    """

    def __init__(self, task: Task[Any], processes: Processes) -> None:
        self._task = task
        self._processes = processes
        self._weight = 1.0
        self.source = Shares(task.source, processes.number, processes.count)

    @property
    def schedule(self) -> Schedule:
        return self._task.schedule

    def build(self) -> keras.Model:
        """Return the model, whose optimizer applies the gradient of the whole batch."""
        model = self._task.build()
        apply = model.optimizer.apply

        def apply_sum(gradients: list[Any], variables: Any = None) -> None:
            apply(self._processes.sum(gradients, self._weight), variables)

        model.optimizer.apply = apply_sum
        return model

    def size(self, number: int, progress: float) -> int:
        """Return the patch size of a batch."""
        return self._task.size(number, progress)

    def step(self, model: keras.Model, share: Share, progress: float) -> tuple[Any, int]:
        """Train on a share; return its part of the batch's loss, and the pixels of the batch."""
        self._weight = share.weight
        loss, pixels = self._task.step(model, share.batch, progress)
        return loss * share.weight, round(pixels * share.parts)

    def validate(self, average: keras.Model) -> Mapping[str, float]:
        """Measure the moving average of the weights, in this process alone."""
        return self._task.validate(average)
