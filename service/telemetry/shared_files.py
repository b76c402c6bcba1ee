"""The files through which workers share metrics: their room on the disk is taken at the start.

prometheus_client maps files whose blocks are allocated as they are written. On a full disk that
write is a SIGBUS, which ends the process: a full /tmp would end every worker, again and again.

What workers that have died counted is added up in one file: counts stay, and files do not add up.
"""

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict

from service.errors import StartupError

PROC = Path("/proc")
"""Linux's description of processes; other systems have none."""

DEAD = "dead"
"""In the name of a file, in place of a process: what all that have died counted."""
SIZES: Mapping[str, int] = {
    "counter": 1 << 16,
    "gauge_livemax": 1 << 16,
    "gauge_livemin": 1 << 16,
    "gauge_livesum": 1 << 16,
    "histogram": 1 << 20,
}
"""Bytes of a process's file for each kind of metric. The shipped models use a third of them; what
is larger grows as it is written."""


def reserve(folder: Path) -> None:
    """Take the room of this process's files, before anything is counted, and give back the dead's.

    Args:
        folder: The folder that workers share.

    Raises:
        StartupError: The disk has no such room.
    """
    try:
        _add_up(folder)
        for kind, size in SIZES.items():
            with (folder / f"{kind}_{os.getpid()}.db").open("ab") as file:
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), 0, size)
    except OSError as error:
        raise StartupError(
            f"{folder}: expected room for {sum(SIZES.values())} bytes of metrics, "
            f"received: {error.strerror}; TMPDIR names another place for temporary files"
        ) from error


@contextlib.contextmanager
def locked(folder: Path, *, changes: bool = False) -> Iterator[None]:
    """Keep others from adding files up in a `with` block, which would read them twice or never.

    Args:
        folder: The folder that workers share.
        changes: Whether the block adds files up, so that no other may read them meanwhile.
    """
    if sys.platform == "win32":  # where it cannot be told who has died
        yield
        return
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if changes else fcntl.LOCK_SH)
        yield
    finally:
        os.close(handle)


def forget_gauges(folder: Path) -> None:
    """Remove the gauges of dead processes, which have nothing in flight.

    Args:
        folder: The folder that workers share.
    """
    for path in _of_the_dead(folder, "gauge_live*"):
        path.unlink(missing_ok=True)


def _add_up(folder: Path) -> None:
    """Add what dead processes counted to what others did before. No count falls at any time.

    A process that is killed just then leaves some counted twice.
    """
    forget_gauges(folder)
    with locked(folder, changes=True):
        for kind in ("counter", "histogram"):
            total = folder / f"{kind}_{DEAD}.db"
            for path in _of_the_dead(folder, kind):
                if not total.exists():
                    path.rename(total)
                    continue
                sums = MmapedDict(str(total))  # type: ignore[no-untyped-call]
                for key, value, _, _ in MmapedDict.read_all_values_from_file(path):  # type: ignore[no-untyped-call]
                    sums.write_value(key, sums.read_value(key)[0] + value, 0.0)  # type: ignore[no-untyped-call]
                sums.close()  # type: ignore[no-untyped-call]
                path.unlink()


def _of_the_dead(folder: Path, kind: str) -> Iterator[Path]:
    """Yield the files of processes that have ended; none where that cannot be told."""
    for path in folder.glob(f"{kind}_*.db"):
        process = path.stem.rpartition("_")[2]
        if process != DEAD and PROC.exists() and not (PROC / process).exists():
            yield path
