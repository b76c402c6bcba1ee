"""Usable CPUs: those of this process's affinity, at most its cgroup's quota."""

import os
from pathlib import Path

CPU_MAX = Path("/sys/fs/cgroup/cpu.max")
"""The CPU quota of a container, by cgroup v2."""


def usable_cpus() -> int:
    """Return the number of CPUs that this process may use, 1 or more."""
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:  # macOS, Windows
        count = os.cpu_count() or 1
    return max(1, min(count, cgroup_quota() or count))


def cgroup_quota() -> int | None:
    """Return the whole CPUs of the container's quota, 1 or more; None where it has no quota.

    cpu.max is "quota period" in microseconds, or "max period" where there is no quota (Linux,
    Documentation/admin-guide/cgroup-v2.rst).
    """
    try:
        quota, period = CPU_MAX.read_text().split()
    except (OSError, ValueError):
        return None
    return None if quota == "max" else max(1, int(quota) // int(period))
