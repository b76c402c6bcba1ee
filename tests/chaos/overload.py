"""Ten times more clients than the queue holds: those admitted notice little, others at once."""

import asyncio
import time

from benchmarks.processes import cpu_seconds
from tests.chaos.fault import Fault, Stage
from tests.chaos.load import Load
from tests.chaos.mix import questions
from tests.chaos.questions import Question
from tests.chaos.tally import Tally, share

QUEUE = 8
"""Items that the service admits: of as many clients, each with one, all are answered."""
TIMES = 10
"""How many times more clients come, who ask again at once where they are refused."""
FULL_LOAD = 0.25
"""The share of the time in which as many clients come as are admitted, to compare with."""


async def inflict(stage: Stage) -> None:
    """Come as full load, then ten times as many; compare."""
    load = stage.load
    load.end()
    await load.settle()
    clients = await asyncio.to_thread(
        lambda: [_direct(3 * number, stage) for number in range(QUEUE * TIMES)]
    )
    full = await _measure(stage, clients[:QUEUE], stage.seconds * FULL_LOAD)
    many = await _measure(stage, clients, stage.seconds * (1 - FULL_LOAD))
    assert not full.refused, "expected nobody to be refused at full load"
    assert many.refused, "expected some to be refused beyond it"
    stage.over()
    for tally in (full, many):
        load.tally.add(tally)


def _direct(client: int, stage: Stage) -> list[Question]:
    return [each for each in questions(client, stage.reference) if not each.job]


async def _measure(stage: Stage, clients: list[list[Question]], seconds: float) -> Tally:
    """Return what became of all requests; note how many were answered in which time."""
    load = Load(stage.service.address, clients, refusals=stage.load.refusals)
    pids = stage.service.workers()
    began, cpu = time.monotonic(), cpu_seconds(pids)
    async with load:
        await asyncio.sleep(seconds)
        elapsed, cpu = time.monotonic() - began, cpu_seconds(pids) - cpu
        tally = load.tally
        right, refused = tally.right, tally.refused.total()
    stage.notes.append(
        f"{len(clients)} clients: {right / elapsed:.0f} right answers a second "
        f"({right / cpu:.0f} a second of the service's processor), {_times(tally.seconds)}; "
        f"{refused / elapsed:.0f} refusals a second, {_times(tally.refusals)}"
    )
    return tally


def _times(seconds: list[float]) -> str:
    p50, p99 = (1000 * share(seconds, part) for part in (0.5, 0.99))
    return f"p50 {p50:.0f} ms, p99 {p99:.0f} ms"


FAULT = Fault("overload", inflict, seconds=160.0, workers=1, flags=(f"--max-queue-items={QUEUE}",))
