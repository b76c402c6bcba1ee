"""Shares of callers in what is admitted: nobody fills the service while others come.

A caller alone may use a limit whole, and up to half of a limit is anybody's. Beyond, each caller
that has something here has a share by its weight, and finds room for it although another has filled
the limit before: what is here then exceeds the limit, by half at most, until the other's requests
are answered. A caller that is refused counts as one that has something here until it may try again.

Pixels of photographs never exceed their limit, as it stands for gigabytes of memory: instead, two
thirds of it are shared so, unless a caller has been alone for a minute. For a photograph that is
larger than its caller's share, room is kept after it was refused.
"""

import heapq
import itertools
import math
import time
from dataclasses import dataclass

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


class Shares:
    """The shares of all callers.

    Attributes:
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
        self._large: tuple[Share, int] | None = None  # for whom room is kept, and how much
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
        if self._large and not self._leaves_room(caller, whole, limit):
            return False
        shared = self.shared(limit)
        if 2 * whole <= shared:
            return True
        if not self.are_contended(caller):
            return whole <= self.bound(caller, limit)
        is_within = not own or own + more <= self.part(caller, limit)
        return is_within and whole <= (limit if self._is_strict else limit + max(1, limit // 2))

    def _leaves_room(self, caller: Caller, whole: int, limit: int) -> bool:
        """Return whether there is room beside so much for the one for whom it is kept."""
        assert self._large
        share, amount = self._large
        if share.wants <= time.monotonic():
            self._large = None
            return True
        return share.caller.name == caller.name or whole + amount <= limit

    def shared(self, limit: int) -> int:
        """Return how much of a limit the shares are parts of."""
        return limit * 2 // 3 if self._is_strict else limit

    def bound(self, caller: Caller, limit: int) -> int:
        """Return how much of a limit a caller may have while no other has a share."""
        is_alone = self.latest in (None, caller.name)
        if is_alone and time.monotonic() - self.since >= ALONE_SECONDS:
            return limit
        return self.shared(limit)

    def want(self, share: Share, seconds: float, large: int = 0) -> None:
        """Count a caller that has been refused, for so many seconds.

        Args:
            share: Its share, which is one of these.
            seconds: How long.
            large: How much room to keep for it, if nobody is ahead of it; 0 for its share alone.
        """
        share.wants = max(share.wants, time.monotonic() + seconds)
        if large and (self._large is None or self._large[0] is share):
            self._large = share, large
        if not share.is_noted:
            share.is_noted = True
            heapq.heappush(self._wanting, (share.wants, next(self._numbers), share))
