"""Admission control: bounds on what is in the service at once, in items, bytes and pixels.

An unbounded queue answers everything too late. A bounded one answers what it admits in time, and
refuses the rest at once with a Retry-After. How long what is admitted will take is the sum of what
the sessions expect of each request (see estimates.py). Callers that come together share the bounds
(see shares.py).
"""

import math
import time

from service.errors import Overloaded
from service.inference.caller import ANYBODY, Caller
from service.inference.estimates import Turns
from service.inference.limit import Limit, limits, too_late, whole
from service.inference.room import Room
from service.inference.shares import Share, Shares
from service.inference.ticket import Ticket

MAX_RETRY_AFTER = 60
"""Longest Retry-After, in seconds."""

FEW = 3
"""Photographs beside which another is always admitted, however long they are expected to take: an
estimate that is wrong must not keep a nearly empty queue empty."""

RETURN = 5.0
"""Seconds after its Retry-After in which a caller's share is kept for it."""

LARGE = 4
"""The part of all pixels, a quarter, above which room is kept for a photograph that is refused."""


class Admission:
    """What is in the service now.

    Attributes:
        requests: Requests admitted and not yet answered.
        items: Images and codings in them; a request for photographs counts as one.
        bytes: Bytes of their bodies and outputs.
        room: Where the pixels of their photographs are.
        turns: Their photographs that are not denoised yet.
        seconds: How long their images and codings will keep sessions busy.
        shares: What each caller has here.
        photographs: What each has of the pixels.
    """

    def __init__(
        self,
        *,
        max_items: int,
        max_bytes: int,
        max_pixels: int = 0,
        patience: float | None = None,
        patience_named: str = "",
        settings: tuple[str, str, str] | None = None,
        room: Room | None = None,
    ) -> None:
        """Create an empty admission.

        Args:
            max_items: Items in all requests together.
            max_bytes: Bytes in all requests together.
            max_pixels: Pixels of photographs in all requests together.
            patience: Seconds that a photograph may wait for others, None for any time.
            patience_named: What these are, with the name of their setting, for errors.
            settings: The names of the settings of the three limits, for the messages of errors.
            room: That of another admission, where both have it together.
        """
        self.max_items = max_items
        self.max_bytes = max_bytes
        self.max_pixels = max_pixels
        self.patience = math.inf if patience is None else patience
        self._patience_named = patience_named
        self._items, self._bytes, self._pixels = limits(
            (max_items, max_bytes, max_pixels), settings
        )
        self.requests = self.items = self.bytes = 0
        self.turns, self.shares = Turns(), Shares()
        self.photographs = Shares(is_strict=True, room=room)  # of pixels
        self.room = self.photographs.room
        self.room.turns.append(self.turns)
        self.seconds = 0.0  # that images and codings will keep sessions busy

    @property
    def held(self) -> int:
        """Return the pixels of photographs that are in memory."""
        return self.room.held

    def is_full(self, caller: Caller = ANYBODY) -> bool:
        """Return whether nothing more of a caller is admitted now, however small."""
        if 2 * self.items < self.max_items:
            return False
        share = self.shares.of.get(caller.name)
        own = share.items if share else 0
        return not self.shares.admit(caller, own, 1, self.items, self.max_items)

    def why_full(self, caller: Caller = ANYBODY) -> str:
        """Return the message of the error of a caller for whom it is full."""
        self.shares.want(self.shares.share(caller), self.wait() + RETURN)
        return f"{self._items.expected(self.shares, caller)}, received more"

    def admit(self, size: int = 0, caller: Caller = ANYBODY) -> Ticket:
        """Admit a request whose body is here, as receive() and Ticket.arrive() do."""
        ticket = self.receive(size, caller)
        ticket.arrive()
        return ticket

    def receive(self, size: int, caller: Caller) -> Ticket:
        """Admit a request whose body is to come: its bytes count from now on, no item does.

        A request that finds room is admitted whole, so that one larger than the limits is served
        when it is alone.

        Args:
            size: Bytes of its body, as far as known.
            caller: Whose it is.

        Returns:
            A context manager to leave when the request is answered.

        Raises:
            Overloaded: There is no room.
        """
        self.check_items(caller)
        if self.requests and 2 * (self.bytes + size) > self.max_bytes:
            self.check_bytes(caller, size, 0)
        return self.ticket(size, self.shares.share(caller))

    def ticket(self, size: int, share: Share) -> Ticket:
        """Return the ticket of a request that is admitted."""
        return Ticket(self, size, share)

    def wait(self, *, room: Room | None = None) -> int:
        """Return the expected seconds, 1 to MAX_RETRY_AFTER, until all here, or in a room, left."""
        left = (room or self.turns).left()
        return min(MAX_RETRY_AFTER, max(1, whole(self.seconds + left)))

    def check_items(self, caller: Caller) -> None:
        """Raise Overloaded if one item more finds no room."""
        if 2 * self.items >= self.max_items and self.is_full(caller):
            raise Overloaded(self.why_full(caller), retry_after=self.wait())

    def check_bytes(self, caller: Caller, more: int, counted: int) -> None:
        """Raise Overloaded if more bytes of a request, of which some are counted, find no room."""
        share = self.shares.of.get(caller.name)
        own = share.bytes - counted if share else 0
        others = self.bytes - counted
        if not self.shares.admit(caller, own, counted + more, others, self.max_bytes):
            raise self._refused(self._bytes, self.shares, caller, self.bytes + more, self.wait())

    def large(self, pixels: int) -> int:
        """Return the pixels of a large photograph, 0 of a small one."""
        return pixels if LARGE * pixels > self.max_pixels else 0

    def check_photographs(self, ticket: Ticket, pixels: int, seconds: float) -> None:
        """Raise Overloaded if photographs find no room, or no turn in time, beside others."""
        caller, shares = ticket.share.caller, self.photographs
        if caller.name != shares.latest:
            shares.since = -math.inf if shares.latest is None else time.monotonic()
            shares.latest = caller.name
        if self.held == ticket.held:
            return
        share = shares.of.get(caller.name)
        own = share.held - ticket.held if share else 0
        others = self.held - ticket.held
        wanted = ticket.held + pixels
        if not shares.admit(caller, own, wanted, others, self.max_pixels):
            wait = self.wait(room=self.room)
            if self.large(wanted):
                self.room.keep(caller, wanted, wait + RETURN, is_from_own=bool(own))
            raise self._refused(self._pixels, shares, caller, self.held + pixels, wait)
        if ticket.waits or self.turns.count - bool(ticket.pixels) <= FEW:
            return
        late = self.turns.wait(pixels, seconds)
        if late > self.patience and shares.are_contended(caller):  # whose tiles have turns, too
            own_wait = share.turns.wait(pixels, seconds) if share and share.turns else 0.0
            late = min(late, own_wait / shares.fraction(caller))
        if late > self.patience:
            raise too_late(self.patience, self._patience_named, late, self.wait())

    def _refused(
        self, limit: Limit, shares: Shares, caller: Caller, received: int, wait: int
    ) -> Overloaded:
        """Return the error of a caller for so much of all requests together."""
        expected = limit.expected(shares, caller)
        shares.want(shares.share(caller), wait + RETURN)
        return Overloaded(f"{expected}, received {received}", retry_after=wait)
