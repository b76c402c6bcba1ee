"""kill -9 of a worker, again and again: the others answer, and another takes its place."""

import asyncio
import os
import signal
import time

from tests.chaos.fault import Fault, Stage
from tests.chaos.service import replaced

EVERY = 5.0
"""Seconds between two kills."""


async def inflict(stage: Stage) -> None:
    """Kill workers; wait each time until all serve again."""
    service = stage.service
    over = time.monotonic() + stage.seconds
    pauses: list[float] = []
    while not pauses or time.monotonic() < over:
        before, pid = service.started(), service.workers()[0]
        os.kill(pid, signal.SIGKILL)
        stage.over()
        pauses.append(await replaced(service, before))
        await asyncio.sleep(min(EVERY, max(0.0, over - time.monotonic())))
    stage.notes.append(
        f"{len(pauses)} workers killed, each replaced within {max(pauses):.1f} s; "
        f"{stage.load.tally.lost} connections lost"
    )
    assert stage.load.tally.lost <= len(pauses) * len(stage.load.clients)


FAULT = Fault("kill", inflict, seconds=40.0, lossy=True)
