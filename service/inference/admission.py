"""Admission: how much may be in the service at once, in items, bytes and pixels of photographs.

A queue without a bound answers everything too late. One with a bound answers what it admits in
time, and tells the others at once when to come again.
"""

# ruff: noqa: SLF001 -- a ticket is the other half of an admission

import math
from types import TracebackType
from typing import Self

from service.errors import Overloaded
from service.inference.flow import Flow
from service.inference.tiling.layout import AT_ONCE, CORE

LONGEST_WAIT = 60
"""Seconds, the most that a client is told to wait."""

PACE = 1_000_000
"""Pixels of photographs that are thought to leave in a second until it is measured: two processors
do about as many."""

TELLING = 1 << 18
"""Pixels: where fewer are here, the time goes into more than the model."""

QUEUED = AT_ONCE * CORE * CORE
"""Pixels of one photograph, at most, that another has to wait for before it has its turn."""


class Admission:
    """What is in the service now, and how fast it leaves.

    bytes: of bodies and outputs; held: pixels of photographs, denoised or not, until each is
    answered; requests: how many.
    """

    def __init__(
        self,
        *,
        max_items: int,
        max_bytes: int,
        max_pixels: int = 0,
        patience: float | None = None,
        settings: tuple[str, str, str] | None = None,
    ) -> None:
        """Admit so much, and photographs that have to wait for others for no more than patience.

        patience: seconds, None for any time; settings: the names of those that say how many items,
        bytes, pixels, where some do.
        """
        self.max_items = max_items
        self.max_bytes = max_bytes
        self.max_pixels = max_pixels
        self.patience = math.inf if patience is None else patience
        named = (f" ({name})" for name in settings) if settings else ("", "", "")
        by_items, by_bytes, by_pixels = named
        self.full = f"queue: expected at most {max_items} waiting items{by_items}, received more"
        self._heavy = f"queue: expected at most {max_bytes} bytes of waiting requests{by_bytes}"
        self._wide = (
            f"queue: expected at most {max_pixels} pixels of waiting photographs{by_pixels}"
        )
        self.bytes = 0
        self.held = 0
        self.requests = 0
        self._queued = 0
        self._items, self._pixels = Flow(), Flow(rate=PACE, least=TELLING)

    @property
    def items(self) -> int:
        """Return how many images and codings are in the service now."""
        return self._items.amount

    @property
    def pixels(self) -> int:
        """Return how many pixels of photographs are in the service now, and not yet denoised."""
        return self._pixels.amount

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
        self.requests += 1
        return Ticket(self, size)

    def too_heavy(self, size: int) -> Overloaded:
        """Return the error for so many bytes in all, which are more than there is room for."""
        return Overloaded(f"{self._heavy}, received {size}", retry_after=self.wait())

    def wait(self) -> int:
        """Return the seconds, 1 to LONGEST_WAIT, until what is here now will have left."""
        return _told(max(self._items.wait(self.items), self._pixels.wait(self.pixels)))

    def _check(self, ticket: "Ticket", pixels: int) -> None:
        """Raise Overloaded where a photograph has no room, or no turn in time, beside others."""
        if self.held == ticket.held:
            return
        if self.held + pixels > self.max_pixels:
            raise self._too_many_pixels(f"{self._wide}, received {self.held + pixels}")
        wait = self._pixels.wait(self._queued - min(QUEUED, ticket.pixels))
        if wait > self.patience:
            raise self._too_many_pixels(
                f"queue: expected photographs to wait {self.patience:g} s at most, "
                f"received one that would wait {math.ceil(wait)} s"
            )

    def _too_many_pixels(self, fault: str) -> Overloaded:
        return Overloaded(fault, retry_after=_told(self._pixels.wait(self.pixels)))

    def _leave(self, ticket: "Ticket", *, answered: bool) -> None:
        if answered:
            self._items.leave(ticket.items)
        else:
            self._items.drop(ticket.items)
        self.bytes -= ticket.bytes
        self.held -= ticket.held
        self.requests -= 1


def _told(expected: float) -> int:
    """Seconds as a client is told them."""
    return min(LONGEST_WAIT, max(1, math.ceil(expected)))


class Ticket:
    """A request's share of what is admitted: one item, until more is known.

    held: the pixels of its photographs; pixels: those of them that are not yet denoised.
    """

    __slots__ = ("_admission", "bytes", "held", "items", "pixels")

    def __init__(self, admission: Admission, size: int) -> None:
        self._admission = admission
        self.items = 1
        self.bytes = size
        self.held = self.pixels = 0
        admission._items.enter(1)
        admission.bytes += size

    def grow(self, *, items: int = 0, size: int = 0, pixels: int = 0) -> None:
        """Count more items, more bytes of body or of output, more pixels of a photograph.

        Raises Overloaded, and counts nothing, where the bytes are more than there is room for
        beside other requests, or the pixels beside other photographs; and where a photograph would
        wait for others too long.
        """
        admission = self._admission
        if admission.bytes + size > admission.max_bytes and admission.requests > 1:
            raise admission.too_heavy(admission.bytes + size)
        if pixels:
            admission._check(self, pixels)
            self.held += pixels
            admission.held += pixels
            admission._pixels.enter(pixels)
            self._queue(self.pixels + pixels)
        self.items += items
        self.bytes += size
        admission._items.enter(items)
        admission.bytes += size

    def done(self, pixels: int) -> None:
        """Count pixels as denoised: those that are not say how long others have to wait."""
        self._admission._pixels.leave(pixels)
        self._queue(self.pixels - pixels)

    def _queue(self, pixels: int) -> None:
        """Let so many be those that are not denoised."""
        self._admission._queued += min(QUEUED, pixels) - min(QUEUED, self.pixels)
        self.pixels = pixels

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.pixels:
            self._admission._pixels.drop(self.pixels)
            self._queue(0)
        # What was refused, or nobody waits for any more, did not leave by being worked off.
        self._admission._leave(self, answered=error is None)
