"""Room for the pixels of photographs in memory, which requests and jobs have together.

For a large photograph that was refused, room is kept until it may come again, so that small ones do
not take it for ever: its caller's own leave that room, and those of others do once it has no other
here.
"""

import asyncio
import time
from typing import NamedTuple

from service.inference.caller import Caller
from service.inference.estimates import Turns


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


class Room:
    """What is there of the room.

    Attributes:
        held: Pixels of photographs that are here.
        large: Those of large photographs: small ones may come and go while one of these is here.
        kept: Room that is kept for a large one.
        turns: Photographs that are not denoised yet, of each Admission.
        watchers: Set when something leaves.
    """

    def __init__(self) -> None:
        self.held = self.large = 0
        self.kept: _Kept | None = None
        self.turns: list[Turns] = []
        self.watchers: list[asyncio.Future[None]] = []

    def left(self) -> float:
        """Return the expected seconds until all photographs are denoised."""
        return sum(each.left() for each in self.turns)

    async def departure(self) -> None:
        """Wait until a request, or a part of one, leaves."""
        watcher: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.watchers.append(watcher)
        await watcher

    def tell(self) -> None:
        """Tell those that wait for a departure of one."""
        watchers, self.watchers = self.watchers, []
        for watcher in watchers:
            if not watcher.done():
                watcher.set_result(None)

    def keep(self, caller: Caller, amount: int, seconds: float, *, is_from_own: bool) -> None:
        """Keep room for a photograph that has been refused, unless it is kept for another.

        Args:
            caller: Whose it is.
            amount: Its pixels.
            seconds: For how long.
            is_from_own: Whether the caller's own photographs alone leave it.
        """
        now, kept = time.monotonic(), self.kept
        is_its_own = kept and kept.name == caller.name and amount >= kept.amount
        if kept is None or kept.until <= now or is_its_own:
            self.kept = _Kept(caller.name, amount, now + seconds, is_from_own)

    def is_kept_for(self, caller: Caller, amount: int) -> bool:
        """Return whether room is kept for a photograph of a caller, of so many pixels."""
        kept = self.kept
        return kept is not None and kept.name == caller.name and amount >= kept.amount

    def is_left_by(self, caller: Caller, whole: int, limit: int) -> bool:
        """Return whether so much leaves the room that is kept, once large photographs leave."""
        assert self.kept
        if self.kept.until <= time.monotonic():
            self.kept = None
            return True
        is_concerned = self.kept.name == caller.name or not self.kept.is_from_own
        return not is_concerned or whole - self.large + self.kept.amount <= limit
