"""Plays a fault: a load before, during and after it, whose every response is checked."""

import asyncio
import contextlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.chaos.exchange import Lost
from tests.chaos.fault import Fault, Report, Stage
from tests.chaos.load import Load
from tests.chaos.mix import ROOT, questions
from tests.chaos.questions import Question
from tests.chaos.reference import Reference
from tests.chaos.service import Service, eventually, serving

BEFORE = 1.0
"""Seconds of load before a fault, and after it."""
DIED = "ended with status"


@contextlib.contextmanager
def staged(folder: Path, *faults: Fault) -> Iterator[Service]:
    """Start a service that some faults may befall."""
    environment: dict[str, str] = {}
    for fault in faults:
        environment |= {
            name: each.format(folder=folder) for name, each in fault.environment.items()
        }
        if fault.temporary:
            environment["TMPDIR"] = str(folder / fault.temporary)
    with contextlib.ExitStack() as stack:
        for fault in faults:
            stack.enter_context(fault.prepared(folder))
        service = serving(
            folder,
            *(flag for fault in faults for flag in fault.flags),
            workers=max(fault.workers for fault in faults),
            models=sorted({name for fault in faults for name in fault.models}),
            environment=environment,
        )
        yield stack.enter_context(service)


async def play(
    fault: Fault,
    service: Service,
    reference: Reference,
    clients: Sequence[Sequence[Question]],
    seconds: float | None = None,
) -> Report:
    """Return the report on a fault that befalls a service under load.

    Args:
        fault: The fault.
        service: The service.
        reference: Right answers.
        clients: What the clients of the load ask.
        seconds: How long it lasts; None for its own time.
    """
    load = Load(
        service.address, clients, refusals=fault.refusals, lossy=fault.lossy, pace=fault.pace
    )
    stage = Stage(service, load, reference, seconds or fault.seconds)
    failures: list[str] = []
    began, logged = time.monotonic(), len(service.log())
    async with load:
        await asyncio.sleep(min(BEFORE, stage.seconds))
        try:
            await fault.inflict(stage)
        except (AssertionError, Lost, TimeoutError) as error:
            failures.append(f"{type(error).__name__}: {error}")
        if not fault.ends:
            await asyncio.sleep(min(BEFORE, stage.seconds))
    elapsed = time.monotonic() - began
    if not fault.ends:
        failures += await _afterwards(service, reference)
    failures += load.tally.faults
    log = service.log()[logged:]
    if "Traceback" in log and not (fault.logs and not load.tally.wrong):
        failures.append(f"the log has a traceback: {log[log.index('Traceback') :][:4000]}")
    if DIED in log and not load.lossy:
        failures.append(f"a worker died: {log[log.index(DIED) - 60 :][:1000]}")
    recovery = load.tally.recovery(stage.ends) if stage.ends else None
    return Report(fault.name, elapsed, recovery, load.tally, stage.notes, failures)


def crowd(count: int, reference: Reference, first: int = 0) -> list[list[Question]]:
    """Return what so many clients ask, each its own."""
    return [questions(first + number, reference) for number in range(count)]


def reference() -> Reference:
    """Return the right answers of the shipped models."""
    return Reference(ROOT / "models")


async def _afterwards(service: Service, reference: Reference) -> list[str]:
    """Ask everything once more, which now must be answered, by new clients."""
    count = max(1, len(service.workers()))
    clients = await asyncio.to_thread(crowd, count, reference, 1000)
    load = Load(service.address, clients, refusals=frozenset())
    async with load:
        await eventually(
            lambda: load.tally.right >= len(clients[0]) or bool(load.tally.faults), "answers"
        )
    return [f"afterwards: {each}" for each in load.tally.faults]
