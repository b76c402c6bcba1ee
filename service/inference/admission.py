"""Admission: how much may be in the service at once, in items and in bytes; the rest is told when.

A queue without a bound answers everything too late. One with a bound answers what it admits in
time, and tells the others at once when to come again.
"""

import math
import time
from types import TracebackType
from typing import Self

from service.errors import Overloaded

LONGEST_WAIT = 60
"""Seconds, the most that a client is told to wait."""


class Admission:
    """What is in the service now, and how fast it leaves."""

    def __init__(
        self, *, max_items: int, max_bytes: int, settings: tuple[str, str] | None = None
    ) -> None:
        """settings: the names of those that say how many items and bytes, where some do."""
        self.max_items = max_items
        self.max_bytes = max_bytes
        by_items, by_bytes = (f" ({name})" for name in settings) if settings else ("", "")
        self.full = f"queue: expected at most {max_items} waiting items{by_items}, received more"
        self._heavy = f"queue: expected at most {max_bytes} bytes of waiting requests{by_bytes}"
        self.items = 0
        self.bytes = 0
        self.requests = 0
        self._finished = 0
        self._rate = 0.0
        self._measured = self._emptied = time.perf_counter()

    def is_full(self) -> bool:
        """Return whether nothing more is admitted now, however small."""
        return self.items >= self.max_items

    def admit(self, size: int = 0) -> "Ticket":
        """Return a request's ticket, a context manager to be left when it is answered.

        size: bytes of its body, as far as they are known. A request that finds room is admitted
        whole, so that one larger than the limits is still served, when it is alone. Raises
        Overloaded.
        """
        if self.is_full():
            raise Overloaded(self.full, retry_after=self.wait())
        if self.items and self.bytes + size > self.max_bytes:
            raise self.too_heavy(self.bytes + size)
        if not self.requests:  # the time that nobody was inside is none of the time they took
            self._measured += time.perf_counter() - self._emptied
        self.requests += 1
        return Ticket(self, size)

    def too_heavy(self, size: int) -> Overloaded:
        """Return the error for so many bytes in all, which are more than there is room for."""
        return Overloaded(f"{self._heavy}, received {size}", retry_after=self.wait())

    def wait(self) -> int:
        """Return the seconds, 1 to LONGEST_WAIT, until what is here now will have left."""
        if self.requests:
            self._measure()
        expected = self.items / self._rate if self._rate else 1
        return min(LONGEST_WAIT, max(1, math.ceil(expected)))

    def _leave(self, items: int, size: int) -> None:
        self._finished += items
        self._measure()
        self.items -= items
        self.bytes -= size
        self.requests -= 1
        if not self.requests:
            self._emptied = time.perf_counter()

    def _measure(self) -> None:
        """Take the items a second of the last second or more with anyone inside as the rate."""
        elapsed = time.perf_counter() - self._measured
        if elapsed >= 1:
            self._rate = self._finished / elapsed
            self._finished = 0
            self._measured += elapsed


class Ticket:
    """A request's share of what is admitted: one item, until more is known."""

    __slots__ = ("_admission", "bytes", "items")

    def __init__(self, admission: Admission, size: int) -> None:
        self._admission = admission
        self.items = 1
        self.bytes = size
        admission.items += 1
        admission.bytes += size

    def grow(self, *, items: int = 0, size: int = 0) -> None:
        """Count more items, and more bytes of body or of output.

        Raises Overloaded where the bytes are more than there is room for beside other requests.
        """
        admission = self._admission
        self.items += items
        self.bytes += size
        admission.items += items
        admission.bytes += size
        if admission.bytes > admission.max_bytes and admission.requests > 1:
            raise admission.too_heavy(admission.bytes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._admission._leave(self.items, self.bytes)  # noqa: SLF001 - a ticket is its other half
