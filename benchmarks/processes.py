"""The process tree of a server: processor time, memory, termination.

Linux only: what /proc and prctl say.
"""

import ctypes
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def none_left() -> Iterator[Callable[[], set[int]]]:
    """End whatever was started in a block and is still there after it, and wait until it is gone.

    What it gives is to be called: the ids of all that was started in the block and still runs.
    Servers start daemons, in sessions of their own. Within the block this process becomes the
    parent of such orphans, so that they do not get away.
    """
    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    before = descendants(os.getpid())

    def started() -> set[int]:
        return descendants(os.getpid()) - before

    try:
        yield started
    finally:
        while left := started():
            for pid in left:
                _end(pid)
            time.sleep(0.01)
        prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the processor time that processes have used, in all their threads."""
    total = 0
    for pid in pids:
        with suppress(OSError):
            total += sum(map(int, _stat(Path(f"/proc/{pid}"))[11:13]))
    return total / TICKS


def resident_bytes(pids: Iterable[int]) -> int:
    """Return the memory of processes, what several of them share counted once (PSS)."""
    total = 0
    for pid in pids:
        with suppress(OSError):
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total * 1024


def peak_bytes(pids: Iterable[int]) -> int:
    """Return the most memory that processes ever had, the sum of what each had (VmHWM)."""
    total = 0
    for pid in pids:
        with suppress(OSError):
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    return total * 1024


def available_bytes() -> int:
    """Return how much memory the machine has left for programs."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    (found,) = (int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    return found * 1024


def busy_seconds() -> float:
    """Return the processor time that the whole machine has spent on anything, other machines too.

    Steal is among it: time that a virtual machine was not given.
    """
    words = Path("/proc/stat").read_text().splitlines()[0].split()
    user, nice, system, _, _, irq, softirq, steal = map(int, words[1:9])
    return (user + nice + system + irq + softirq + steal) / TICKS


def descendants(root: int) -> set[int]:
    """Return the processes that a process started, and those that these did."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parents[int(folder.name)] = int(_stat(folder)[1])
    found = [root]
    for parent in found:
        found += [pid for pid, its in parents.items() if its == parent]
    return set(found[1:])


def _end(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _stat(folder: Path) -> list[str]:
    """The fields of /proc/PID/stat after the name, which may hold anything: state, parent, ..."""
    return (folder / "stat").read_text().rpartition(")")[2].split()
