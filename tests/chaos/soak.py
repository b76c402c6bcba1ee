"""Soak: requests of every kind for an hour, in which memory must not grow."""

import asyncio
import csv
import random
import statistics
import time
from pathlib import Path

from tests.chaos.exchange import Connection, Reply, ask_once
from tests.chaos.fault import Fault, Stage
from tests.chaos.leave import leave
from tests.chaos.mix import ALL
from tests.chaos.recorded import differs
from tests.chaos.service import resident
from tests.chaos.varied import Asked, varied

EVERY = 10.0
"""Seconds between two looks at the memory."""
WARM = 1 / 6
"""The share of the time after which memory must not grow: ten minutes of an hour."""
GROWTH = 0.02
"""The share by which it may."""
PACE = 0.1
"""Seconds between two requests."""
CHANGES = ("/metrics", "/models")
"""Paths whose responses change from request to request."""
KEPT = Path("memory.csv")
"""The file of what was measured, in the present folder."""

Rows = list[tuple[float, dict[int, int]]]
"""Seconds since the start, and the bytes of each process."""


async def inflict(stage: Stage) -> None:
    """Ask on and on, and look at the memory."""
    asked = varied()
    recorded = [await ask_once(stage.service.address, each.request) for each in asked]
    unlike = [
        f"{each.name}: expected {each.status}, received {reply.status} {reply.body[:200]!r}"
        for each, reply in zip(asked, recorded, strict=True)
        if reply.status != each.status
    ]
    assert not unlike, "; ".join(unlike)
    rows: Rows = []
    began = time.monotonic()
    asking = asyncio.create_task(_ask(stage, asked, recorded))
    while not asking.done():
        pids = (stage.service.process.pid, *stage.service.workers())
        rows.append((time.monotonic() - began, {pid: resident(pid) for pid in pids}))
        _write(rows)
        await asyncio.wait((asking,), timeout=min(EVERY, stage.seconds / 60))
    stage.notes.append(f"{asking.result()} requests of {len(asked)} kinds, besides the load")
    assert all(held.keys() == rows[0][1].keys() for _, held in rows), "expected none to end"
    for pid in rows[0][1]:
        _growth(stage, f"process {pid}", [(when, held[pid]) for when, held in rows])
    growth = _growth(stage, "all processes", [(when, sum(held.values())) for when, held in rows])
    assert growth < GROWTH, f"expected memory to grow by less than {GROWTH:.0%}"


async def _ask(stage: Stage, asked: list[Asked], recorded: list[Reply]) -> int:
    """Ask everything in another order each time; leave in between; return how often."""
    address, load = stage.service.address, stage.load
    over, turn, shuffled = time.monotonic() + stage.seconds, 0, random.Random(0)
    while True:
        for index in shuffled.sample(range(len(asked)), len(asked)):
            if time.monotonic() > over:
                return turn
            turn += 1
            connection = Connection(address)  # of any worker
            reply = await load.reply(connection, asked[index].request, asked[index].name)
            connection.close()
            if reply:
                _judge(stage, asked[index], recorded[index], reply)
            if not turn % 20:
                await leave(address, turn)
            await asyncio.sleep(PACE)


def _judge(stage: Stage, asked: Asked, recorded: Reply, reply: Reply) -> None:
    tally = stage.load.tally
    changes = any(asked.request.startswith(b"GET %s " % path.encode()) for path in CHANGES)
    if reply.status in stage.load.refusals:
        tally.refused[str(reply.status)] += 1
    elif fault := "" if changes else differs(recorded, reply):
        tally.wrong.append(f"{asked.name}: {fault}")
    else:
        tally.right += 1


def _growth(stage: Stage, name: str, held: list[tuple[float, int]]) -> float:
    """Return by which share memory has grown after the start of the soak; note it."""
    end = held[-1][0]
    after = [memory for when, memory in held if WARM * end <= when < 2 * WARM * end]
    last = [memory for when, memory in held if when >= (1 - WARM) * end]
    before, now = statistics.median(after), statistics.median(last)
    stage.notes.append(
        f"{name}: {before / 1e6:.1f} MB, then {now / 1e6:.1f} ({now / before - 1:+.2%})"
    )
    return now / before - 1


def _write(rows: Rows) -> None:
    pids = sorted({pid for _, memory in rows for pid in memory})
    with KEPT.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["seconds", *pids])
        writer.writerows(
            [round(when), *(memory.get(pid, "") for pid in pids)] for when, memory in rows
        )


FAULT = Fault(
    "soak",
    inflict,
    seconds=3600.0,
    flags=("--timeout=80",),  # as the machine may be busy with other things
    clients=3,
    pace=1.0,
    models=ALL,
)
