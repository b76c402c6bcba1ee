"""Several processes that train one model together, by PyTorch's collectives."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import keras

from training.photo.processes import Alone, Processes, StepReport, Value

COUNT, NUMBER, LOCAL = "WORLD_SIZE", "RANK", "LOCAL_RANK"
"""Variables of the environment, as torchrun sets them."""
STORE = "TRAINING_STORE"
"""The variable that names the file by which processes of one machine meet; torchrun's meet by
TCP."""
STOPPED = 130
"""Exit status of what a signal stopped."""
TIMEOUT = timedelta(minutes=30)
"""How long the others wait for a process: it may validate or decode photographs."""


@contextmanager
def join() -> Iterator[Processes]:
    """Join the processes that torchrun's environment tells of, one GPU each where there are GPUs.

    Raises:
        ValueError: Keras has another backend than PyTorch, or the machine has fewer GPUs than
            processes.
        ConnectionError: Another process ended.
    """
    if int(os.environ.get(COUNT) or "1") == 1:
        yield Alone()
        return
    if (backend := keras.backend.backend()) != "torch":
        raise ValueError(f"KERAS_BACKEND: expected torch for several processes, received {backend}")
    import torch
    from torch import distributed

    if has_gpus := torch.cuda.is_available():
        local, gpus = int(os.environ[LOCAL]), torch.cuda.device_count()
        if local >= gpus:
            raise ValueError(
                f"processes: expected at most {gpus} on a machine with {gpus} GPUs, received more"
            )
        torch.cuda.set_device(local)
    # What is not on a GPU, a few numbers a step, goes by Gloo: it notices at once who has ended.
    collectives = "cpu:gloo,cuda:nccl" if has_gpus else "gloo"
    if path := os.environ.get(STORE):
        number, count = int(os.environ[NUMBER]), int(os.environ[COUNT])
        store = distributed.FileStore(path, count)
        distributed.init_process_group(
            collectives, timeout=TIMEOUT, store=store, rank=number, world_size=count
        )
    else:
        distributed.init_process_group(collectives, timeout=TIMEOUT)
    try:
        yield Joined()
    except KeyboardInterrupt:  # which the launcher reports, once for all
        sys.exit(STOPPED)
    finally:
        distributed.destroy_process_group()


class Joined:
    """The processes of PyTorch's default group."""

    def __init__(self) -> None:
        from torch import distributed

        self._collectives = distributed
        self.number: int = distributed.get_rank()
        self.count: int = distributed.get_world_size()
        self.is_first = self.number == 0

    def first(self, make: Callable[[], Value]) -> Value:
        values = [make() if self.is_first else None]
        with self._together():
            self._collectives.broadcast_object_list(values, device="cpu")
        return values[0]  # type: ignore[return-value]

    def once_a_machine(self, make: Callable[[], Value]) -> Value:
        local = int(os.environ.get(LOCAL, "0"))
        values = self._gathered(make() if local == 0 else None)
        made: Value = values[self.number - local]
        return made

    def check_equal(self, name: str, value: object) -> None:
        first = self._gathered(value)[0]
        if value != first:
            raise ValueError(
                f"process {self.number}: expected {name} {first}, as process 0 has, received "
                f"{value}"
            )

    def all_reduce(self, report: StepReport) -> StepReport:
        import torch

        seconds = report.seconds if self.is_first else 0.0
        sums = torch.tensor(
            [float(report.loss), seconds, float(report.stopped)], dtype=torch.float64
        )
        with self._together():
            self._collectives.all_reduce(sums)
        loss, seconds, stopped = sums.tolist()
        return StepReport(loss, seconds, stopped > 0)

    def broadcast(self, variables: Iterable[Any]) -> None:
        with self._together():
            for variable in variables:
                self._collectives.broadcast(variable.value.data, 0)

    def sum(self, gradients: Sequence[Any], weight: float) -> list[Any]:
        import torch

        flat = torch.cat([gradient.reshape(-1) for gradient in gradients]).mul_(weight)
        with self._together():
            self._collectives.all_reduce(flat)
        parts = flat.split([gradient.numel() for gradient in gradients])
        return [
            part.reshape(gradient.shape) for part, gradient in zip(parts, gradients, strict=True)
        ]

    def _gathered(self, value: object) -> list[Any]:
        values: list[Any] = [None] * self.count
        with self._together():
            self._collectives.all_gather_object(values, value)
        return values

    @contextmanager
    def _together(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
            raise ConnectionError(
                f"process {self.number} of {self.count}: expected the others to go on, received "
                f"the end of one, which says why itself: {reason}"
            ) from error
