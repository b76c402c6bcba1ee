"""What a fault is, and what is reported of one."""

import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.load import OVERLOADED, UNAVAILABLE, Load
from tests.chaos.mix import MODELS
from tests.chaos.reference import Reference
from tests.chaos.service import Service
from tests.chaos.tally import Tally


@dataclass
class Stage:
    """Where a fault takes place.

    Attributes:
        service: The service.
        load: The clients that ask it throughout.
        reference: Right answers, for further clients.
        seconds: How long the fault is to last.
        notes: What was measured, for the report.
        ends: When (time.monotonic()) its cause ended, for each time that it happened.
    """

    service: Service
    load: Load
    reference: Reference
    seconds: float
    notes: list[str] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)

    def over(self) -> None:
        """Say that the cause has ended, so that the service may serve again."""
        self.ends.append(time.monotonic())


def _nothing_missing() -> str:
    return ""


@contextlib.contextmanager
def _anywhere(_: Path) -> Iterator[None]:
    yield


@dataclass(frozen=True)
class Fault:
    """A fault.

    Attributes:
        name: Its name on the command line.
        inflict: Makes it happen while the load goes on, and looks that the service gets over it;
            raises AssertionError where it does not.
        seconds: How long it lasts unless the command line says otherwise.
        flags: Those of the service that it needs.
        environment: Variables of the service; {folder} is its folder.
        temporary: Its folder for temporary files, in its own; empty for the system's.
        clients: Clients of the load.
        pace: Seconds that each waits between two requests.
        workers: Processes of the service.
        models: The models that it serves.
        refusals: The statuses that it may lead to.
        lossy: Whether it kills processes, whose connections are lost.
        ends: Whether the service has ended after it.
        logs: Whether the log may have tracebacks, of what is tried again.
        lacks: Returns what it needs and this machine has not, empty if nothing.
        prepared: Prepares the service's folder, and cleans up.
    """

    name: str
    inflict: Callable[[Stage], Awaitable[None]]
    seconds: float = 20.0
    flags: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    temporary: str = ""
    clients: int = 14
    pace: float = 0.0
    workers: int = 2
    models: Sequence[str] = MODELS
    refusals: frozenset[int] = frozenset((OVERLOADED, UNAVAILABLE))
    lossy: bool = False
    ends: bool = False
    logs: bool = False
    lacks: Callable[[], str] = _nothing_missing
    prepared: Callable[[Path], contextlib.AbstractContextManager[None]] = _anywhere


@dataclass
class Report:
    """What became of a fault.

    Attributes:
        fault: Its name.
        seconds: How long it and its load took.
        recovery: Seconds from the end of its cause to the last request that was refused or lost.
        tally: What became of the requests of the load.
        notes: What was measured.
        failures: What was not as it has to be.
        skipped: Why it did not take place, empty if it did.
    """

    fault: str
    seconds: float = 0.0
    recovery: float | None = None
    tally: Tally = field(default_factory=Tally)
    notes: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    skipped: str = ""
