"""The processes that train one model together: here the one that trains alone."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

Value = TypeVar("Value")


@dataclass(frozen=True)
class StepReport:
    """What processes combine after each step.

    Args:
        loss: The mean over a batch; of one of several processes, its part of that mean.
        seconds: Of training in all; those of the first process count.
        stopped: Whether to end; it is enough that one process says so.
    """

    loss: Any
    seconds: float
    stopped: bool


class Processes(Protocol):
    """Processes that call the same methods in the same order.

    Attributes:
        number: Of this process, from 0.
        count: Of all processes.
    """

    @property
    def number(self) -> int: ...

    @property
    def count(self) -> int: ...

    @property
    def is_first(self) -> bool:
        """Whether this process validates, and writes what the training writes."""
        ...

    def first(self, make: Callable[[], Value]) -> Value:
        """Return to every process what the first one makes."""
        ...

    def once_a_machine(self, make: Callable[[], Value]) -> Value:
        """Return to every process what the first one of its machine makes."""
        ...

    def check_equal(self, name: str, value: object) -> None:
        """Raise ValueError unless every process has the same value, of which name says what."""
        ...

    def all_reduce(self, report: StepReport) -> StepReport:
        """Return the sum of the losses, the seconds of the first, whether one was stopped."""
        ...

    def broadcast(self, variables: Iterable[Any]) -> None:
        """Give Keras's variables the values that they have in the first process."""
        ...

    def sum(self, gradients: Sequence[Any], weight: float) -> list[Any]:
        """Return the sums of the processes' gradients, each multiplied by its weight."""
        ...


class Alone:
    """One process: every collective operation returns what it is given."""

    number = 0
    count = 1
    is_first = True

    def first(self, make: Callable[[], Value]) -> Value:
        return make()

    def once_a_machine(self, make: Callable[[], Value]) -> Value:
        return make()

    def check_equal(self, name: str, value: object) -> None:
        pass

    def all_reduce(self, report: StepReport) -> StepReport:
        return report

    def broadcast(self, variables: Iterable[Any]) -> None:
        pass

    def sum(self, gradients: Sequence[Any], weight: float) -> list[Any]:
        return [gradient * weight for gradient in gradients]
