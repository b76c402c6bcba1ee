"""SIGSTOP of a worker: for a moment, which costs time, and for good, which its supervisor ends."""

import asyncio
import os
import signal

from tests.chaos.fault import Fault, Stage
from tests.chaos.service import replaced

MOMENT = 2.0
"""Seconds for which a worker may stop: the supervisor waits 5 s for its sign of life."""


async def moment(stage: Stage) -> None:
    """Stop a worker and let it go on."""
    pid = stage.service.workers()[0]
    os.kill(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(min(MOMENT, stage.seconds))
    finally:
        os.kill(pid, signal.SIGCONT)
        stage.over()
    await asyncio.sleep(0.5)
    assert pid in stage.service.workers(), "expected the worker to be left alone"
    assert not stage.load.tally.lost, "expected no connection to be lost"
    slowest = max(stage.load.tally.seconds)
    stage.notes.append(f"stopped for a moment: nothing lost, slowest response {slowest:.1f} s")


async def inflict(stage: Stage) -> None:
    """Stop a worker for a moment, then another for good."""
    await moment(stage)
    service, load = stage.service, stage.load
    load.lossy = True
    before, pid = service.started(), service.workers()[0]
    os.kill(pid, signal.SIGSTOP)
    stage.over()
    seconds = await replaced(service, before)
    assert pid not in service.workers(), "expected the stopped worker to be ended"
    await asyncio.sleep(1)
    stage.notes.append(
        f"stopped for good: killed and replaced within {seconds:.1f} s, "
        f"{load.tally.lost} connections lost"
    )


MOMENTARY = Fault("stop for a moment", moment)
FAULT = Fault("stop", inflict)
