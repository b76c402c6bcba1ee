"""Shares of callers in what is admitted: nobody fills the service while others come.

A caller alone may use a limit whole, and up to half of a limit is anybody's. Beyond, each caller
that has something here has a share by its weight, and finds room for it although another has filled
the limit before: what is here then exceeds the limit, by half at most, until the other's requests
are answered. A caller that is refused counts as one that has something here until it may try again.

Pixels of photographs never exceed their limit, as it stands for gigabytes of memory: instead, two
thirds of it are shared so, unless a caller has been alone for a minute.
"""

import heapq
import itertools
import math
import time
from dataclasses import dataclass

from service.inference.caller import Caller
from service.inference.estimates import Turns
from service.inference.room import Room

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
        room: Where pixels are.
        of: Those that have something here, or were refused lately, by the names of the callers.
        weights: The sum of their weights.
        latest: The name of the caller that has come last, None for nobody.
        since: The time.monotonic() since which it is the only one to come.
        idle: One that has nothing here, and is there so that it need not be made again: a caller
            that is alone comes and goes with each request.
    """

    def __init__(self, *, is_strict: bool = False, room: Room | None = None) -> None:
        """Create shares of nobody.

        Args:
            is_strict: Whether the limit is never exceeded.
            room: That of other shares, where these have it together.
        """
        self._is_strict = is_strict
        self.latest: str | None = None
        self.since = -math.inf
        self.room = room or Room()
        self.of: dict[str, Share] = {}
        self.weights = 0
        self.idle: Share | None = None
        self._wanting: list[tuple[float, int, Share]] = []
        self._numbers = itertools.count()

    def share(self, caller: Caller) -> Share:
        """Return the share of a caller, with nothing in it where it has none yet."""
        share = self.of.get(caller.name)
        if share is None:
            if (idle := self.idle) and not idle.requests and not idle.wants:
                self._remove(idle)
            share = self.of[caller.name] = Share(caller)
            self.weights += caller.weight
        return share

    def drop(self, share: Share) -> None:
        """Drop a share with nothing in it, unless its caller is to come again."""
        if share.requests or share.wants:
            return
        if len(self.of) == 1:
            self.idle = share
        else:
            self._remove(share)

    def _remove(self, share: Share) -> None:
        del self.of[share.caller.name]
        self.weights -= share.caller.weight
        if share is self.idle:
            self.idle = None

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
                    self._remove(share)
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
        if self.room.kept:
            is_claim = self.room.is_kept_for(caller, more)
            if is_claim and not (own and self.are_contended(caller)):
                if whole <= limit:
                    self.room.kept = None
                return whole <= limit
            if not is_claim and not self.room.is_left_by(caller, whole, limit):
                return False
        shared = self.shared(limit)
        if 2 * whole <= shared:
            return True
        if not self.are_contended(caller):
            return whole <= self.bound(caller, limit)
        is_within = not own or own + more <= self.part(caller, limit)
        return is_within and whole <= (limit if self._is_strict else limit + max(1, limit // 2))

    def shared(self, limit: int) -> int:
        """Return how much of a limit the shares are parts of."""
        return limit * 2 // 3 if self._is_strict else limit

    def bound(self, caller: Caller, limit: int) -> int:
        """Return how much of a limit a caller may have while no other has a share."""
        is_alone = self.latest in (None, caller.name)
        if is_alone and time.monotonic() - self.since >= ALONE_SECONDS:
            return limit
        return self.shared(limit)

    def are_wanted(self) -> bool:
        """Return whether a caller that was refused is to come again."""
        now = time.monotonic()
        return any(share.wants > now for share in self.of.values())

    def want(self, share: Share, seconds: float) -> None:
        """Count a caller that has been refused, by its share of these, for so many seconds."""
        share.wants = max(share.wants, time.monotonic() + seconds)
        if not share.is_noted:
            share.is_noted = True
            heapq.heappush(self._wanting, (share.wants, next(self._numbers), share))
