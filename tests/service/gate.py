"""What holds batches back, so that a test sees what is while they run."""

import asyncio
import threading


class Gate:
    """Lets every batch through while it is open, as it is at first."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self._open.set()
        self._reached = threading.Semaphore(0)
        self.batches: list[int] = []
        """The items of each batch that came since the gate was last closed."""

    def close(self) -> None:
        self.batches.clear()
        self._open.clear()

    def open(self) -> None:
        self._open.set()

    def pass_through(self, items: int) -> None:
        """Wait, in the thread of a batch of so many items, until the gate is open."""
        self.batches.append(items)
        if not self._open.is_set():
            self._reached.release()
            assert self._open.wait(30)

    async def reached(self) -> None:
        """Wait until one more batch stands before the closed gate."""
        assert await asyncio.to_thread(self._reached.acquire, timeout=30)
