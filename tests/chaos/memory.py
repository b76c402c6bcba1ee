"""Memory exhausted: what needs more is refused, or its worker replaced, until there is some."""

import asyncio
import contextlib
import resource

from tests.chaos.fault import Fault, Stage
from tests.chaos.load import Load
from tests.chaos.mix import WHOLE, region
from tests.chaos.service import addressed, eventually

SPARE = 1024 * 1024
"""Bytes that a worker may still take."""
LARGE = 2
"""Clients whose photographs need more than that: more than glibc ever keeps of what was freed."""


async def inflict(stage: Stage) -> None:
    """Take the memory away while photographs come that need some; give it back."""
    service, load = stage.service, stage.load
    pids = service.workers()
    asked = await asyncio.to_thread(
        lambda: [[region(number, stage.reference)] for number in range(LARGE)]
    )
    photographs = Load(service.address, asked, refusals=load.refusals, lossy=True)
    load.lossy = True  # a worker that cannot go on is replaced
    before = {pid: resource.prlimit(pid, resource.RLIMIT_AS) for pid in pids}
    async with photographs:
        for pid in pids:
            limit = addressed(pid) + SPARE
            resource.prlimit(pid, resource.RLIMIT_AS, (limit, before[pid][1]))
        try:
            await asyncio.sleep(stage.seconds)
            await eventually(lambda: bool(photographs.tally.troubles), "no memory for some")
        finally:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    resource.prlimit(pid, resource.RLIMIT_AS, before[pid])
            stage.over()
    await eventually(lambda: len(service.workers()) == len(pids), "all workers")
    died = len(set(pids) - set(service.workers()))
    tally = photographs.tally
    stage.notes.append(
        f"of {LARGE} clients with photographs of {WHOLE[0]}x{WHOLE[1]}: {tally.right} right, "
        f"{sum(tally.refused.values())} refused ({', '.join(tally.refused)}), {tally.lost} lost; "
        f"{died} of {len(pids)} workers died and were replaced"
    )
    load.tally.add(tally)


FAULT = Fault("memory", inflict, logs=True)
