"""Clients that vanish in the middle of a body or of a response: nothing of them is left."""

import asyncio
import re
import time

from tests.chaos.exchange import ask_once
from tests.chaos.fault import Fault, Stage
from tests.chaos.leave import LEAVINGS, leave
from tests.chaos.questions import request
from tests.chaos.service import descriptors

AT_A_TIME = 8
"""Clients that come and vanish."""
GAUGE = re.compile(r"^autoencoder_(in_flight_\w+|queue_requests\S*) (\S+)$", re.MULTILINE)
SPARE = 4
"""Descriptors that a worker may have opened meanwhile for itself."""


async def inflict(stage: Stage) -> None:
    """Let clients come and vanish; look that the service counts nothing of them afterwards."""
    service, load = stage.service, stage.load
    over = time.monotonic() + stage.seconds
    turn = 0
    while turn < len(LEAVINGS) or time.monotonic() < over:
        turns = range(turn, turn + AT_A_TIME)
        await asyncio.gather(*(leave(service.address, each) for each in turns))
        turn += AT_A_TIME
    stage.over()
    load.end()
    await load.settle()
    stage.notes.append(f"{turn} clients vanished, in {len(LEAVINGS)} ways")
    await quiet(stage)


async def quiet(stage: Stage) -> None:
    """Wait until nothing is in flight; raise AssertionError where something stays."""
    service = stage.service
    deadline = time.monotonic() + 60
    left: dict[str, float] = {}
    while time.monotonic() < deadline:
        reply = await ask_once(service.address, request("GET", "/metrics"))
        found = GAUGE.findall(reply.body.decode())
        left = {name: float(value) for name, value in found if float(value)}
        open_files = {pid: descriptors(pid) for pid in service.workers()}
        if not left and max(open_files.values()) - min(open_files.values()) <= SPARE:
            return
        await asyncio.sleep(0.2)
    raise AssertionError(f"expected nothing in flight, received {left}, {open_files} descriptors")


FAULT = Fault("vanish", inflict)
