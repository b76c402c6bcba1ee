"""Shares of callers in what is admitted: nobody fills the service while others come.

A caller alone may use a limit whole, and up to half of a limit is anybody's. Beyond, each caller
that has something here has a share by its weight, and finds room for it although another has filled
the limit before: what is here then exceeds the limit, by half at most, until the other's requests
are answered. A caller that is refused counts as one that has something here until it may try again.
"""

import heapq
import itertools
import time
from dataclasses import dataclass

from service.inference.estimates import Turns
from service.inference.party import Party


@dataclass(slots=True, eq=False)
class Share:
    """What a caller has here, of what an Admission counts.

    Attributes:
        party: The caller.
        turns: Its photographs that are not denoised yet, None where pixels are not counted.
        requests: Requests that have a part of the rest.
        items: Images and codings.
        bytes: Bytes of bodies and outputs.
        held: Pixels of photographs.
        wants: The time.monotonic() until which it counts although it has nothing here, 0 for none.
        is_noted: Whether that is still to be looked at.
    """

    party: Party
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
    """

    def __init__(self) -> None:
        self.of: dict[str, Share] = {}
        self.weights = 0
        self._wanting: list[tuple[float, int, Share]] = []
        self._numbers = itertools.count()

    def are_contended(self, party: Party) -> bool:
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
                    del self.of[share.party.name]
                    self.weights -= share.party.weight
        return len(self.of) > (party.name in self.of)

    def part(self, party: Party, limit: int) -> int:
        """Return how much of a limit is the share of a caller, at least 1."""
        return max(1, int(limit * self.fraction(party)))

    def fraction(self, party: Party) -> float:
        """Return the weight of a caller relative to that of all that have a share."""
        weights = self.weights + (0 if party.name in self.of else party.weight)
        return party.weight / weights

    def admit(self, party: Party, own: int, more: int, others: int, limit: int) -> bool:
        """Return whether a request finds room.

        Args:
            party: Whose it is.
            own: What else the caller has here.
            more: What the request has here, or wants to have.
            others: What is here besides the request.
            limit: The most.
        """
        whole = others + more
        if 2 * whole <= limit:
            return True
        if not self.are_contended(party):
            return whole <= limit
        is_within = not own or own + more <= self.part(party, limit)
        return is_within and whole <= limit + max(1, limit // 2)

    def want(self, share: Share, seconds: float) -> None:
        """Count a caller that has been refused, for so many seconds.

        Args:
            share: Its share, which is one of these.
            seconds: How long.
        """
        share.wants = max(share.wants, time.monotonic() + seconds)
        if not share.is_noted:
            share.is_noted = True
            heapq.heappush(self._wanting, (share.wants, next(self._numbers), share))
