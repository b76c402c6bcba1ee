"""A clock that tests set forward, so that a time limit passes at once and never by itself."""

import asyncio
import time

import pytest


class Clock:
    """The time of the running event loop and of time.perf_counter(), which can be set forward."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        loop = asyncio.get_running_loop()
        self._ahead = 0.0
        for owner, name in ((loop, "time"), (time, "perf_counter")):
            real = getattr(owner, name)
            monkeypatch.setattr(owner, name, lambda real=real: real() + self._ahead)

    async def advance(self, seconds: float) -> None:
        """Let so many seconds pass, and what waits for them run."""
        self._ahead += seconds
        for _ in range(5):  # the timer, what it cancels, and what waits for that
            await asyncio.sleep(0)
