"""What holds batches back, so that a test sees what is while they run."""

import asyncio
import threading


class Gate:
    """Lets every batch through while it is open, as it is at first."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._is_open = True
        self._passes = 0
        self._reached = threading.Semaphore(0)
        self.batches: list[int] = []
        """The items of each batch that came since the gate was last closed."""

    def close(self) -> None:
        self.batches.clear()
        self._is_open = False

    def open(self) -> None:
        with self._changed:
            self._is_open = True
            self._changed.notify_all()

    def pass_one(self) -> None:
        """Let one batch through, whether it waits already or is still to come."""
        with self._changed:
            self._passes += 1
            self._changed.notify()

    def pass_through(self, items: int) -> None:
        """Wait, in the thread of a batch of so many items, until the gate lets it through."""
        self.batches.append(items)
        with self._changed:
            if self._is_open:
                return
            self._reached.release()
            assert self._changed.wait_for(lambda: self._is_open or self._passes, 30)
            self._passes = max(0, self._passes - 1)

    async def reached(self) -> None:
        """Wait until one more batch stands before the closed gate."""
        assert await asyncio.to_thread(self._reached.acquire, timeout=30)
