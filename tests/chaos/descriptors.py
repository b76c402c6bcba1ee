"""Descriptors exhausted: clients that are connected are answered, new ones when there are some."""

import asyncio
import contextlib
import resource
import time

from tests.chaos.exchange import Connection, Lost
from tests.chaos.fault import Fault, Stage
from tests.chaos.questions import request
from tests.chaos.service import descriptors

SPARE = 6
"""Descriptors that a worker may still open."""
COMERS = 40
"""Connections that are opened at a time while there are none."""
READY = request("GET", "/health/ready")


async def inflict(stage: Stage) -> None:
    """Take the descriptors away; let clients come; give the descriptors back."""
    service, load = stage.service, stage.load
    pids = service.workers()
    before = {pid: resource.prlimit(pid, resource.RLIMIT_NOFILE) for pid in pids}
    load.lossy = True  # a connection cannot be accepted
    refused = accepted = 0
    try:
        for pid in pids:
            limit = descriptors(pid) + SPARE
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, before[pid][1]))
        over = time.monotonic() + stage.seconds
        while time.monotonic() < over:
            comers = [Connection(service.address) for _ in range(COMERS)]
            came = await asyncio.gather(
                *(each.ask(READY, 2.0) for each in comers), return_exceptions=True
            )
            refused += sum(isinstance(each, Lost | TimeoutError) for each in came)
            accepted += sum(not isinstance(each, BaseException) for each in came)
            for each in comers:
                each.close()
            await asyncio.sleep(0.1)
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_NOFILE, before[pid])
        stage.over()
    load.lossy = False
    assert service.workers() == pids, "expected the workers to live"
    assert refused, "expected connections to find no descriptor"
    stage.notes.append(
        f"{accepted} of {accepted + refused} new connections were answered, the others closed or "
        f"left waiting; {load.tally.lost} of the load's"
    )


FAULT = Fault("descriptors", inflict, logs=True)
