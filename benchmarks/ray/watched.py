"""A command on a cluster, one of whose nodes is killed in the middle: what the store saw of it."""

import contextlib
import itertools
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import descendants, peak_bytes, resident_bytes
from benchmarks.ray.tap import Request

ROOT = Path(__file__).parents[2]
POLL = 0.2
"""Seconds between two looks at what is written."""
MEMORY = 5.0
"""Seconds between two looks at the memory of all processes."""


@dataclass(frozen=True)
class Command:
    """A command to watch.

    Attributes:
        words: Of the command line.
        inputs: The prefix of what it reads: "/bucket/in/".
        outputs: A pattern of the paths of what it writes, its logs left out.
        count: How many of these it writes.
        environment: Variables of its process.
    """

    words: Sequence[str]
    inputs: str
    outputs: re.Pattern[str]
    count: int
    environment: dict[str, str]


@dataclass(frozen=True)
class Seen:
    """What was seen of a command.

    Attributes:
        seconds: That it took.
        written: Objects that it wrote.
        twice: Writes of an object that had been written.
        refused: Conditional writes of an object that had been written, which changed nothing.
        reads: Inputs that it read, and how often more than once.
        again: Seconds from the kill until the first and until the last input was read again, which
            the killed node had; empty without a kill.
        pause: The most seconds after the kill in which nothing was written.
        driver: The most bytes of memory of the command itself.
        actor: Those of the actor that had most.
        whole: Those of all processes of the cluster together, what they share counted once.
        told: The last line that the command printed.
    """

    seconds: float
    written: int
    twice: int
    refused: int
    reads: tuple[int, int]
    again: tuple[float, ...]
    pause: float
    driver: int
    actor: int
    whole: int
    told: str


def watch(
    command: Command, requests: Sequence[Request], kill: Callable[[], None] | None = None
) -> Seen:
    """Run a command, and kill a node once a third is written.

    Args:
        command: The command.
        requests: What the store is asked, which grows.
        kill: Kills a node; None to kill none.

    Raises:
        RuntimeError: The command fails, or ends before the kill.
    """
    first, began = len(requests), time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-m", "service", *command.words],
        cwd=ROOT,
        env=os.environ | command.environment,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        driver = actor = whole = 0
        killed, looked = 0.0, 0.0
        while process.poll() is None:
            time.sleep(POLL)
            if kill and not killed:
                written = sum(_is_write(each, command) for each in requests[first:])
                if written * 3 >= command.count:
                    killed = time.monotonic()
                    kill()
            if time.monotonic() - looked > MEMORY:
                looked = time.monotonic()
                mine = descendants(os.getpid())
                whole = max(whole, resident_bytes(mine - {process.pid}))
                driver = max(driver, peak_bytes([process.pid]))
                actor = max(
                    actor, *map(peak_bytes, ([each] for each in mine if _is_actor(each))), 0
                )
        seconds = time.monotonic() - began
        told = (process.stderr.read() if process.stderr else "").strip()
    if process.returncode or (kill and not killed):
        raise RuntimeError(f"expected a run of which a node is killed, received: {told}")
    seen = requests[first:]
    return Seen(
        seconds, *_writes(seen, command), *_reads(seen, command, killed), driver, actor, whole, told
    )


def _writes(requests: Sequence[Request], command: Command) -> tuple[int, int, int]:
    """Return how many objects were written, how often again, and how often that was refused."""
    paths = [each.path for each in requests if _is_write(each, command)]
    refused = [
        each
        for each in requests
        if each.method == "PUT" and each.status in (409, 412) and command.outputs.search(each.path)
    ]
    return len(set(paths)), len(paths) - len(set(paths)), len(refused)


def _reads(
    requests: Sequence[Request], command: Command, killed: float
) -> tuple[tuple[int, int], tuple[float, ...], float]:
    """Return what was read how often, and what became of what the killed node had."""
    read = [
        each for each in requests if each.method == "GET" and each.path.startswith(command.inputs)
    ]
    paths: set[str] = set()
    again = []
    for each in read:
        if each.path in paths:
            again.append(each)
        paths.add(each.path)
    counts = len(paths), len(again)
    if not killed:
        return counts, (), 0.0
    writes = [each.ended for each in requests if _is_write(each, command) and each.ended > killed]
    moments = [killed, *sorted(writes)]
    pause = max((after - before for before, after in itertools.pairwise(moments)), default=0.0)
    lost = [each.began - killed for each in again if each.began > killed]
    return counts, (lost[0], lost[-1]) if lost else (), pause


def _is_write(request: Request, command: Command) -> bool:
    return (
        request.method == "PUT"
        and request.status < 300
        and not request.query
        and bool(command.outputs.search(request.path))
    )


def _is_actor(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().startswith("ray::MapWorker")
    return False
