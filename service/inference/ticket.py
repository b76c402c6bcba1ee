"""Tickets: what one request counts for in an Admission, from its head until it is answered."""

from typing import Protocol, Self

from service.errors import Overloaded
from service.inference.caller import Caller
from service.inference.estimates import Turns
from service.inference.room import Room
from service.inference.shares import Share, Shares


class Counts(Protocol):
    """What tickets count in, an Admission."""

    max_bytes: int
    requests: int
    items: int
    bytes: int
    seconds: float
    room: Room
    turns: Turns
    shares: Shares
    photographs: Shares

    def check_items(self, caller: Caller) -> None: ...
    def check_bytes(self, caller: Caller, more: int, counted: int) -> None: ...
    def check_photographs(self, ticket: "Ticket", pixels: int, seconds: float) -> None: ...
    def large(self, pixels: int) -> int: ...


class Ticket:
    """A request's share of what is admitted: one item once its body is here, until more is known.

    Attributes:
        share: What its caller has here.
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
        "_photographs",
        "_requests",
        "bytes",
        "held",
        "items",
        "left",
        "pixels",
        "seconds",
        "share",
        "waits",
    )

    def __init__(
        self,
        admission: Counts,
        size: int,
        share: Share,
        *,
        requests: int = 1,
        waits: bool = False,
    ) -> None:
        self._admission = admission
        self._photographs: Share | None = None  # its caller's, while it has pixels
        self.share = share
        self._requests, self.items = requests, 0
        self.waits = waits
        self.bytes = size
        self.held = self.pixels = 0
        self.left = self.seconds = 0.0
        share.wants = 0.0
        share.requests += requests
        share.bytes += size
        admission.requests += requests
        admission.bytes += size

    def arrive(self) -> None:
        """Count the request as an item, once its body is here. Raises Overloaded."""
        admission, share = self._admission, self.share
        admission.check_items(share.caller)
        self.items += 1
        share.items += 1
        admission.items += 1

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
        admission, share = self._admission, self.share
        is_much = 2 * (admission.bytes + size) > admission.max_bytes
        if is_much and admission.requests > 1 and self._requests:
            admission.check_bytes(share.caller, size, self.bytes)
        if pixels:
            admission.check_photographs(self, pixels, seconds)
            self._leave(self.pixels + pixels, self.left + seconds, held=self.held + pixels)
        else:
            self.seconds += seconds
            admission.seconds += seconds
        self.items += items
        self.bytes += size
        share.items += items
        share.bytes += size
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
            await self._admission.room.departure()

    def part(self, *, waits: bool) -> "Ticket":
        """Return a ticket for one of several photographs, which come and go within the request.

        Its bytes are counted and never refused: they would wait for bodies that stay as long as
        their requests do. Its pixels may wait: a photograph that holds some never waits for more.

        Args:
            waits: Whether its pixels wait for room instead of being refused.
        """
        return type(self)(self._admission, 0, self.share, requests=0, waits=waits)

    def write(self, size: int) -> None:
        """Count the response in place of its photographs, which are in memory no more.

        Args:
            size: Bytes of it that are not counted yet; they are not refused, as they are here.
        """
        if self.held:
            self._leave(0, 0.0, held=0)
            self.bytes += size
            self.share.bytes += size
            self._admission.bytes += size
            if self._admission.room.watchers:
                self._admission.room.tell()

    def expect(self, photographs: int) -> None:
        """Learn of how many photographs there will be parts."""

    def done(self, pixels: int) -> None:
        """Count pixels as denoised."""
        remaining = max(0, self.pixels - pixels)
        left = self.left * remaining / max(1, self.pixels)
        self._leave(remaining, left, held=self.held)
        self._admission.turns.progress()
        if self._photographs and self._photographs.turns:
            self._photographs.turns.progress()

    def _leave(self, pixels: int, left: float, *, held: int) -> None:
        """Let so much of its photographs be left, of so many pixels that it holds."""
        admission = self._admission
        share = self._photographs
        if share is None:
            share = self._photographs = admission.photographs.share(self.share.caller)
            share.requests += 1
            share.wants = 0.0
        if share.turns is None:
            share.turns = Turns()
        for turns in (admission.turns, share.turns):
            turns.remove(self.pixels, self.left, held=self.held)
            turns.add(pixels, left, held=held)
        share.held += held - self.held
        admission.room.held += held - self.held
        admission.room.large += admission.large(held) - admission.large(self.held)
        self.pixels, self.left, self.held = pixels, left, held
        if not held:
            self._photographs = None
            share.requests -= 1
            admission.photographs.drop(share)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        admission, share = self._admission, self.share
        if self.held:
            self._leave(0, 0.0, held=0)
        share.items -= self.items
        share.bytes -= self.bytes
        share.requests -= self._requests
        if not share.requests and self._requests:
            admission.shares.drop(share)
        admission.seconds -= self.seconds
        admission.items -= self.items
        admission.bytes -= self.bytes
        admission.requests -= self._requests
        if admission.room.watchers:
            admission.room.tell()
        if not admission.requests:
            admission.seconds = 0.0  # no rounding error stays
