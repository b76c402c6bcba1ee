"""SIGTERM in full load: what has been admitted is answered, then the service ends with status 0."""

import asyncio
import contextlib
import time

from tests.chaos.exchange import Connection
from tests.chaos.fault import Fault, Stage
from tests.chaos.load import Load
from tests.chaos.mix import large
from tests.chaos.service import serving

LARGE, SIZE = 3, (400, 320)
"""Photographs that are under way at the signal, each of its own client, and their size."""
MARGIN = 1.0
"""Seconds before the signal in which a request may not have been read yet."""


async def inflict(stage: Stage) -> None:
    """Tell the service to end while photographs are under way that take seconds."""
    service, load = stage.service, stage.load
    asked = await asyncio.to_thread(
        lambda: [[large(number, stage.reference, SIZE)] for number in range(LARGE)]
    )
    photographs = Load(service.address, asked)
    async with photographs:
        await asyncio.sleep(MARGIN + stage.seconds)
        for each in (load, photographs):
            each.turned_away = time.monotonic() - MARGIN
            each.end()
        answered = load.tally.right + photographs.tally.right
        service.process.terminate()
        began = time.monotonic()
        status = await asyncio.to_thread(service.process.wait, 90)
        seconds = time.monotonic() - began
    assert status == 0, f"expected status 0, received {status}"
    assert not photographs.tally.faults, photographs.tally.faults
    answered = load.tally.right + photographs.tally.right - answered
    turned_away = load.tally.lost + photographs.tally.lost
    stage.notes.append(
        f"{answered} right responses after the signal; {turned_away} requests that came with it "
        f"or after it were turned away; ended after {seconds:.1f} s"
    )
    await load.settle()
    await _jobs(stage)


async def _jobs(stage: Stage) -> None:
    """Start the service again: every job that was accepted must end, with the right result."""
    left = stage.load.left
    began = time.monotonic()
    with serving(stage.service.folder, workers=1) as again:
        seconds = time.monotonic() - began
        later = Load(again.address, [])
        for path, question in left.items():
            with contextlib.closing(Connection(again.address)) as connection:
                await later.outcome(connection, path, question)
    stage.notes.append(
        f"{later.tally.right} of {len(left)} accepted jobs ended after a restart, which took "
        f"{seconds:.1f} s"
    )
    assert later.tally.right == len(left), later.tally.faults
    assert not later.tally.faults, later.tally.faults


FAULT = Fault("terminate", inflict, seconds=2.0, ends=True)
