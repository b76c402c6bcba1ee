"""Admission control: bounds on what is in the service at once, in items, bytes and pixels.

An unbounded queue answers everything too late. A bounded one answers what it admits in time, and
refuses the rest at once with a Retry-After. How long what is admitted will take is the sum of what
the sessions expect of each request (see estimates.py).
"""

# ruff: noqa: SLF001 -- a ticket is the other half of an admission

import asyncio
import math
from types import TracebackType
from typing import Self

from service.errors import Overloaded
from service.inference.estimates import Turns

MAX_RETRY_AFTER = 60
"""Longest Retry-After, in seconds."""

FEW = 3
"""Photographs beside which another is always admitted, however long they are expected to take: an
estimate that is wrong must not keep a nearly empty queue empty."""


class Admission:
    """What is in the service now.

    Attributes:
        requests: Requests admitted and not yet answered.
        items: Images and codings in them; a request for photographs counts as one.
        bytes: Bytes of their bodies and outputs.
        held: Pixels of their photographs.
        turns: Their photographs that are not denoised yet.
        full: The message of the error when there are too many items.
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
        """Create an empty admission.

        Args:
            max_items: Items in all requests together.
            max_bytes: Bytes in all requests together.
            max_pixels: Pixels of photographs in all requests together.
            patience: Seconds that a photograph may wait for others, None for any time.
            settings: The names of the settings of the three limits, for the messages of errors.
        """
        self.max_items = max_items
        self.max_bytes = max_bytes
        self.max_pixels = max_pixels
        self.patience = math.inf if patience is None else patience
        named = (f" ({name})" for name in settings) if settings else ("", "", "")
        by_items, by_bytes, by_pixels = named
        self.full = f"queue: expected at most {max_items} waiting items{by_items}, received more"
        self._too_many_bytes = (
            f"queue: expected at most {max_bytes} bytes of waiting requests{by_bytes}"
        )
        self._too_many_pixels = (
            f"queue: expected at most {max_pixels} pixels of waiting photographs{by_pixels}"
        )
        self.requests = self.items = self.bytes = self.held = 0
        self.turns = Turns()
        self._seconds = 0.0  # that images and codings will keep sessions busy
        self._watchers: list[asyncio.Future[None]] = []

    @property
    def pixels(self) -> int:
        """Return the pixels of photographs that are not denoised yet."""
        return self.turns.pixels

    def is_full(self) -> bool:
        """Return whether nothing more is admitted now, however small."""
        return self.items >= self.max_items

    def admit(self, size: int = 0) -> "Ticket":
        """Admit a request.

        A request that finds room is admitted whole, so that one larger than the limits is served
        when it is alone.

        Args:
            size: Bytes of its body, as far as known.

        Returns:
            A context manager to leave when the request is answered.

        Raises:
            Overloaded: There is no room.
        """
        if self.is_full():
            raise Overloaded(self.full, retry_after=self.wait())
        if self.items and self.bytes + size > self.max_bytes:
            raise self.too_heavy(self.bytes + size)
        return self.ticket(size)

    def ticket(self, size: int) -> "Ticket":
        """Return the ticket of a request that is admitted."""
        return Ticket(self, size)

    async def departure(self) -> None:
        """Wait until a request, or a part of one, leaves."""
        watcher: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._watchers.append(watcher)
        await watcher

    def too_heavy(self, size: int) -> Overloaded:
        """Return the error for so many bytes in all requests together."""
        return Overloaded(f"{self._too_many_bytes}, received {size}", retry_after=self.wait())

    def wait(self) -> int:
        """Return the expected seconds, 1 to MAX_RETRY_AFTER, until what is here now has left."""
        return min(MAX_RETRY_AFTER, max(1, _ceil(self._seconds + self.turns.left())))

    def _check_photographs(self, ticket: "Ticket", pixels: int, seconds: float) -> None:
        """Raise Overloaded if photographs find no room, or no turn in time, beside others."""
        if self.held == ticket.held:
            return
        if self.held + pixels > self.max_pixels:
            fault = f"{self._too_many_pixels}, received {self.held + pixels}"
            raise Overloaded(fault, retry_after=self.wait())
        if ticket.waits or self.turns.count - bool(ticket.pixels) <= FEW:
            return
        wait = self.turns.wait(pixels, seconds)
        if wait > self.patience:
            raise Overloaded(
                f"queue: expected photographs to wait {self.patience:g} s at most, "
                f"received one that would wait {_ceil(wait)} s",
                retry_after=self.wait(),
            )


def _ceil(seconds: float) -> int:
    """Round up, but for what is a rounding error of a sum."""
    return math.ceil(round(seconds, 3))


class Ticket:
    """A request's share of what is admitted: one item, until more is known.

    Attributes:
        items: Images or codings.
        bytes: Bytes of its body and output.
        held: Pixels of its photographs.
        pixels: Those of them that are not denoised yet.
        left: Seconds that these will keep the session busy.
        seconds: Seconds that its images or codings will.
        waits: Whether its pixels wait for room instead of being refused.
    """

    __slots__ = (
        "_admission",
        "_requests",
        "bytes",
        "held",
        "items",
        "left",
        "pixels",
        "seconds",
        "waits",
    )

    def __init__(
        self, admission: Admission, size: int, *, requests: int = 1, waits: bool = False
    ) -> None:
        self._admission = admission
        self._requests = self.items = requests
        self.waits = waits
        self.bytes = size
        self.held = self.pixels = 0
        self.left = self.seconds = 0.0
        admission.requests += requests
        admission.items += requests
        admission.bytes += size

    def grow(self, *, items: int = 0, size: int = 0, pixels: int = 0, seconds: float = 0.0) -> None:
        """Count more of the request, as more of it is known.

        Args:
            items: More images or codings.
            size: More bytes of body or output.
            pixels: More pixels of photographs, to be denoised.
            seconds: How long these items or pixels will keep the session busy, by
                Batcher.seconds().

        Raises:
            Overloaded: The bytes have no room beside other requests, or the pixels beside other
                photographs, or a photograph would wait too long. Nothing is counted then.
        """
        admission = self._admission
        too_heavy = admission.bytes + size > admission.max_bytes and admission.requests > 1
        if too_heavy and self._requests:
            raise admission.too_heavy(admission.bytes + size)
        if pixels:
            admission._check_photographs(self, pixels, seconds)
            self._leave(self.pixels + pixels, self.left + seconds, held=self.held + pixels)
        else:
            self.seconds += seconds
            admission._seconds += seconds
        self.items += items
        self.bytes += size
        admission.items += items
        admission.bytes += size

    async def make_room(self, pixels: int, seconds: float) -> None:
        """Count pixels of photographs that are to be decoded; wait for room if the ticket does.

        Raises:
            Overloaded: As grow() raises it.
        """
        while True:
            try:
                self.grow(pixels=pixels, seconds=seconds)
            except Overloaded:
                if not self.waits:
                    raise
            else:
                return
            await self._admission.departure()

    def part(self, *, waits: bool) -> "Ticket":
        """Return a ticket for one of several photographs, which come and go within the request.

        Its bytes are counted and never refused: they would wait for bodies that stay as long as
        their requests do. Its pixels may wait: a photograph that holds some never waits for more.

        Args:
            waits: Whether its pixels wait for room instead of being refused.
        """
        return type(self)(self._admission, 0, requests=0, waits=waits)

    def expect(self, photographs: int) -> None:
        """Learn of how many photographs there will be parts."""

    def done(self, pixels: int) -> None:
        """Count pixels as denoised."""
        remaining = max(0, self.pixels - pixels)
        left = self.left * remaining / max(1, self.pixels)
        self._leave(remaining, left, held=self.held)
        self._admission.turns.progress()

    def _leave(self, pixels: int, left: float, *, held: int) -> None:
        """Let so much of its photographs be left, of so many pixels that it holds."""
        admission = self._admission
        admission.turns.remove(self.pixels, self.left, held=self.held)
        admission.turns.add(pixels, left, held=held)
        admission.held += held - self.held
        self.pixels, self.left, self.held = pixels, left, held

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        admission = self._admission
        if self.held:
            self._leave(0, 0.0, held=0)
        admission._seconds -= self.seconds
        admission.items -= self.items
        admission.bytes -= self.bytes
        admission.requests -= self._requests
        if watchers := admission._watchers:
            admission._watchers = []
            for watcher in watchers:
                if not watcher.done():
                    watcher.set_result(None)
        if not admission.requests:
            admission._seconds = 0.0  # no rounding error stays
