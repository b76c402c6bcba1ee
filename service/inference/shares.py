"""Shares of callers in what is admitted: nobody fills the service while others come.

A caller alone may use a limit whole, and up to half of a limit is anybody's. Beyond, each caller
that has something here has a share by its weight, and finds room for it although another has filled
the limit before: what is here then exceeds the limit, by half at most, until the other's requests
are answered. A caller that is refused counts as one that has something here until it may try again.

Pixels of photographs never exceed their limit, as it stands for gigabytes of memory: instead, two
thirds of it are shared so, unless a caller has been alone for a minute. For a large photograph that
was refused, room is kept until it may come again, so that small ones do not take it for ever: its
caller's own leave that room, and those of others do once it has no other here.
"""

import heapq
import itertools
import math
import time
from dataclasses import dataclass
from typing import NamedTuple

from service.inference.caller import Caller
from service.inference.estimates import Turns

ALONE_SECONDS = 60.0
"""Without another caller, after which one may have all of a limit that is never exceeded."""


@dataclass(slots=True, eq=False)
class Share:
    """What a caller has here, of what an Admission counts.

    Attributes:
        caller: The caller.
        turns: Its photographs that are not denoised yet, None where pixels are not counted.
        requests: Requests that have a part of the rest.
        items: Images and codings.
        bytes: Bytes of bodies and outputs.
        held: Pixels of photographs.
        wants: The time.monotonic() until which it counts although it has nothing here, 0 for none.
        is_noted: Whether that is still to be looked at.
    """

    caller: Caller
    turns: Turns | None = None
    requests: int = 0
    items: int = 0
    bytes: int = 0
    held: int = 0
    wants: float = 0.0
    is_noted: bool = False


class _Kept(NamedTuple):
    """Room that is kept for a photograph.

    Attributes:
        name: The name of its caller.
        amount: Its pixels.
        until: The time.monotonic() until which.
        is_from_own: Whether the caller's own photographs alone leave it, as it has others here.
    """

    name: str
    amount: int
    until: float
    is_from_own: bool


class Shares:
    """The shares of all callers.

    Attributes:
        large: Pixels of large photographs: others may come and go while one of these is here.
        of: Those that have something here, or were refused lately, by the names of the callers.
        weights: The sum of their weights.
        latest: The name of the caller that has come last, None for nobody.
        since: The time.monotonic() since which it is the only one to come.
        idle: One that has nothing here, and is there so that it need not be made again: a caller
            that is alone comes and goes with each request.
    """

    def __init__(self, *, is_strict: bool = False) -> None:
        """Create shares of nobody.

        Args:
            is_strict: Whether the limit is never exceeded.
        """
        self._is_strict = is_strict
        self.latest: str | None = None
        self.since = -math.inf
        self._kept: _Kept | None = None
        self.large = 0
        self.of: dict[str, Share] = {}
        self.weights = 0
        self.idle: Share | None = None
        self._wanting: list[tuple[float, int, Share]] = []
        self._numbers = itertools.count()

    def are_contended(self, caller: Caller) -> bool:
        """Return whether another caller has a share."""
        now = time.monotonic()
        while self._wanting and self._wanting[0][0] <= now:
            _, _, share = heapq.heappop(self._wanting)
            if share.wants > now:
                heapq.heappush(self._wanting, (share.wants, next(self._numbers), share))
                continue
            share.is_noted = False
            if share.wants:
                share.wants = 0.0
                if not share.requests:
                    del self.of[share.caller.name]
                    self.weights -= share.caller.weight
                    if share is self.idle:
                        self.idle = None
        return len(self.of) > (caller.name in self.of)

    def part(self, caller: Caller, limit: int) -> int:
        """Return how much of a limit is the share of a caller, at least 1."""
        return max(1, int(self.shared(limit) * self.fraction(caller)))

    def fraction(self, caller: Caller) -> float:
        """Return the weight of a caller relative to that of all that have a share."""
        weights = self.weights + (0 if caller.name in self.of else caller.weight)
        return caller.weight / weights

    def admit(self, caller: Caller, own: int, more: int, others: int, limit: int) -> bool:
        """Return whether a request finds room.

        Args:
            caller: Whose it is.
            own: What else the caller has here.
            more: What the request has here, or wants to have.
            others: What is here besides the request.
            limit: The most.
        """
        whole = others + more
        if self._kept:
            is_claim = self._kept.name == caller.name and more >= self._kept.amount
            if is_claim and not (own and self.are_contended(caller)):
                if whole <= limit:
                    self._kept = None
                return whole <= limit
            if not is_claim and not self._leaves_room(caller, whole, limit):
                return False
        shared = self.shared(limit)
        if 2 * whole <= shared:
            return True
        if not self.are_contended(caller):
            return whole <= self.bound(caller, limit)
        is_within = not own or own + more <= self.part(caller, limit)
        return is_within and whole <= (limit if self._is_strict else limit + max(1, limit // 2))

    def _leaves_room(self, caller: Caller, whole: int, limit: int) -> bool:
        """Return whether so much leaves the room that is kept, once large photographs leave."""
        assert self._kept
        if self._kept.until <= time.monotonic():
            self._kept = None
            return True
        is_concerned = self._kept.name == caller.name or not self._kept.is_from_own
        return not is_concerned or whole - self.large + self._kept.amount <= limit

    def keep(self, caller: Caller, amount: int, seconds: float, *, is_from_own: bool) -> None:
        """Keep room for a photograph that has been refused, unless it is kept for another.

        Args:
            caller: Whose it is.
            amount: Its pixels.
            seconds: For how long.
            is_from_own: Whether the caller's own photographs alone leave it.
        """
        now = time.monotonic()
        kept = self._kept
        is_its_own = kept and kept.name == caller.name and amount >= kept.amount
        if kept is None or kept.until <= now or is_its_own:
            self._kept = _Kept(caller.name, amount, now + seconds, is_from_own)

    def shared(self, limit: int) -> int:
        """Return how much of a limit the shares are parts of."""
        return limit * 2 // 3 if self._is_strict else limit

    def bound(self, caller: Caller, limit: int) -> int:
        """Return how much of a limit a caller may have while no other has a share."""
        is_alone = self.latest in (None, caller.name)
        if is_alone and time.monotonic() - self.since >= ALONE_SECONDS:
            return limit
        return self.shared(limit)

    def want(self, share: Share, seconds: float) -> None:
        """Count a caller that has been refused, by its share of these, for so many seconds."""
        share.wants = max(share.wants, time.monotonic() + seconds)
        if not share.is_noted:
            share.is_noted = True
            heapq.heappush(self._wanting, (share.wants, next(self._numbers), share))
