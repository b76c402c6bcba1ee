"""Clock jumps: days ahead and back; nothing hangs, nothing expires that is not old."""

import asyncio
import contextlib
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path

from tests.chaos import jumping_clock
from tests.chaos.exchange import ask_once
from tests.chaos.fault import Fault, Stage
from tests.chaos.own_job import finished
from tests.chaos.questions import request
from tests.chaos.service import eventually

DAY = 86_400.0
JUMPS = (3 * DAY, 0.0, -2 * DAY, 400 * DAY, -400 * DAY, 0.0)
"""How far the clock is ahead, one after another, in seconds. Results are kept for a day."""
SWEEPS = 2.5
"""Seconds in which the service looks at all jobs."""
FILE = "clock"


async def inflict(stage: Stage) -> None:
    """Let a job end; move the clock; see that its result stays, and that all goes on."""
    service, load = stage.service, stage.load
    path, job = await finished(stage)
    count = min(len(JUMPS), max(1, int(stage.seconds / SWEEPS)))
    dates = []
    for ahead in JUMPS[:count]:
        jump(service.folder, ahead)
        enough = load.tally.right + len(load.clients)
        await asyncio.sleep(max(SWEEPS, stage.seconds / count))
        await eventually(lambda: load.tally.right > enough, "answers")  # noqa: B023
        result = await ask_once(service.address, request("GET", f"{path}/result"))
        assert result.status == 200, f"{ahead:g} s ahead: {result.status} {result.body[:300]!r}"
        assert not job.check(result)
        dates.append(result.headers["date"][5:16])
    jump(service.folder, 0.0)
    stage.over()
    stage.notes.append(f"Date of the responses: {', '.join(dates)}; the result of a job stays")


def jump(folder: Path, ahead: float) -> None:
    """Let the clock of a service be so many seconds ahead."""
    with (folder / FILE).open("r+b") as file:
        file.write(struct.pack("d", ahead))


@contextlib.contextmanager
def movable(folder: Path) -> Iterator[None]:
    """Let processes that start now have a clock that a file moves."""
    (folder / FILE).write_bytes(struct.pack("d", 0.0))
    (folder / "site").mkdir()
    shutil.copy(jumping_clock.__file__, folder / "site" / "sitecustomize.py")
    yield


FAULT = Fault(
    "clock",
    inflict,
    seconds=36.0,
    prepared=movable,
    environment={"PYTHONPATH": "{folder}/site", jumping_clock.FILE: "{folder}/" + FILE},
)
