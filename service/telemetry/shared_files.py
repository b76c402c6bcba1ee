"""The files through which workers share metrics: their room on the disk is taken at the start.

prometheus_client maps files whose blocks are allocated as they are written. On a full disk that
write is a SIGBUS, which ends the process: a full /tmp would end every worker, again and again.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from service.errors import StartupError

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
    """Take the room of this process's files, before anything is counted.

    Args:
        folder: The folder that workers share.

    Raises:
        StartupError: The disk has no such room.
    """
    try:
        for kind, size in SIZES.items():
            with (folder / f"{kind}_{os.getpid()}.db").open("ab") as file:
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), 0, size)
    except OSError as error:
        raise StartupError(
            f"{folder}: expected room for {sum(SIZES.values())} bytes of metrics, "
            f"received: {error.strerror}; TMPDIR names another place for temporary files"
        ) from error
