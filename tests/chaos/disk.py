"""A full disk under jobs and temporary files: no job is taken, everything else is answered."""

import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.chaos.exchange import ask_once
from tests.chaos.fault import Fault, Stage
from tests.chaos.load import OVERLOADED, UNAVAILABLE
from tests.chaos.own_job import finished
from tests.chaos.questions import request

SIZE = 16 * 1024 * 1024
"""Bytes of the disk."""
FULL = 507


async def inflict(stage: Stage) -> None:
    """Fill the disk; empty it again."""
    load = stage.load
    before = load.tally.refused.total()
    ballast = stage.service.jobs / "ballast"
    kept, _ = await finished(stage)
    try:
        answered = await _full(stage, ballast, kept)
    finally:
        ballast.unlink()
        stage.over()
    stage.notes.append(
        f"{load.tally.refused.total() - before} jobs refused, {answered} right answers meanwhile"
    )


async def _full(stage: Stage, ballast: Path, kept: str) -> int:
    """Keep the disk full for a while; return how many right answers there were."""
    service, load = stage.service, stage.load
    answered = load.tally.right
    await asyncio.to_thread(_fill, ballast)
    job = next(each for each in load.clients[0] if each.job)
    for _ in range(100):  # jobs that end make room, which may be taken first
        reply = await ask_once(service.address, job.request)
        if reply.status != 202:
            break
        await asyncio.to_thread(_fill, ballast)
    code = json.loads(reply.body).get("code", "")
    assert (reply.status, code) == (FULL, "insufficient-storage"), reply
    over = time.monotonic() + stage.seconds
    while time.monotonic() < over:
        await asyncio.to_thread(_fill, ballast)  # what has been freed meanwhile
        await asyncio.sleep(0.1)
    await ask_once(service.address, request("DELETE", kept))
    left = list(service.jobs.glob(f"{kept.removeprefix('/jobs/')}*"))
    assert not left, f"expected that the result of a job is removed, which makes room: {left}"
    ready = await ask_once(service.address, request("GET", "/health/ready"))
    assert ready.status == 200, ready
    return load.tally.right - answered


def _fill(ballast: Path) -> None:
    """Take all that is free."""
    with contextlib.suppress(OSError), ballast.open("ab", buffering=0) as file:
        for size in (65536, 4096, 512, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Mount a small file system where jobs are."""
    disk = folder / "jobs"
    disk.mkdir()
    _mount(disk)
    try:
        (disk / "tmp").mkdir()
        yield
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def lacks() -> str:
    """Say what is missing for a small file system."""
    if sys.platform != "linux":
        return "tmpfs needs Linux"
    with tempfile.TemporaryDirectory() as name:
        try:
            _mount(Path(name))
        except (OSError, subprocess.CalledProcessError):
            return "a file system cannot be mounted here: root may"
        subprocess.run(["umount", name], check=True)
    return ""


def _mount(folder: Path) -> None:
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    subprocess.run(command, check=True, capture_output=True)


FAULT = Fault(
    "disk",
    inflict,
    refusals=frozenset((OVERLOADED, UNAVAILABLE, FULL)),
    lacks=lacks,
    prepared=small_disk,
    temporary="jobs/tmp",
)
