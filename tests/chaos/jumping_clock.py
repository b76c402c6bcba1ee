"""A clock that a file moves, for Python programs: sitecustomize of the service's processes.

Python imports it at its start, in workers too. Only what Python reads of the wall clock jumps;
time.monotonic() goes on, as it does where a real clock is set.
"""

import mmap
import os
import struct
import time
from pathlib import Path

FILE = "CHAOS_CLOCK"
"""The variable that names the file: 8 bytes, the seconds by which the clock is ahead."""

if FILE in os.environ:
    with Path(os.environ[FILE]).open("rb") as _file:
        _ahead = mmap.mmap(_file.fileno(), 8, access=mmap.ACCESS_READ)
    _time, _time_ns = time.time, time.time_ns

    def _seconds() -> float:
        return float(struct.unpack_from("d", _ahead)[0])

    time.time = lambda: _time() + _seconds()
    time.time_ns = lambda: _time_ns() + int(_seconds() * 1e9)
