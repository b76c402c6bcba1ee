"""Description of the machine and the date of a measurement."""

import os
import platform
import time
from pathlib import Path


def machine() -> str:
    """Return the processors, the system, the version of Python and the day, in words."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in lines if "model name" in line), "")
    return (
        f"{len(os.sched_getaffinity(0))} x {model or platform.machine()}, "
        f"Linux {platform.release()}, Python {platform.python_version()}, "
        f"{time.strftime('%Y-%m-%d')}"
    )
