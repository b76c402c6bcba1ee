"""The time of day that quotas are counted by, where it does not pass."""

import pytest

from service.quota import memory_counts, sqlite_counts
from tests.service.simulation import Clock


def stopped(patch: pytest.MonkeyPatch) -> Clock:
    """Stop the time of quotas that no Redis counts, at the start of a minute."""
    clock = Clock()
    clock.now = 60.0 * 30_000_000
    for module in (memory_counts, sqlite_counts):
        patch.setattr(module, "time", clock)
    return clock
