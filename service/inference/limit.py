"""A limit of what is admitted, and what a caller beyond it is told."""

import math
from collections.abc import Iterator
from typing import NamedTuple

from service.errors import Overloaded
from service.inference.caller import Caller
from service.inference.shares import Shares


class Limit(NamedTuple):
    """A limit.

    Attributes:
        most: The most of all requests together.
        what: Of what, with the name of the setting.
    """

    most: int
    what: str

    def expected(self, shares: Shares, caller: Caller) -> str:
        """Return what was expected of a caller, for the message of an error."""
        if not shares.are_contended(caller):
            bound = shares.bound(caller, self.most)
            free = "" if bound == self.most else ", as another caller has come a short time ago"
            return f"queue: expected at most {bound} {self.what}{free}"
        part = shares.part(caller, self.most)
        return f"queue: expected at most {self.most} {self.what}, {part} of a caller beside others"


def limits(most: tuple[int, int, int], settings: tuple[str, str, str] | None) -> Iterator[Limit]:
    """Yield the limits of items, bytes and pixels, with the names of their settings, if any."""
    named = [f" ({name})" for name in settings] if settings else ["", "", ""]
    whats = "waiting items", "bytes of waiting requests", "pixels of waiting photographs"
    for limit, what, name in zip(most, whats, named, strict=True):
        yield Limit(limit, f"{what}{name}")


def too_late(patience: float, named: str, wait: float, retry_after: int) -> Overloaded:
    """Return the error of a photograph that would wait for so long, where that is too long.

    Args:
        patience: Seconds that it may wait.
        named: What these are, with the name of a setting, or "".
        wait: Seconds that it would.
        retry_after: Seconds until there is room.
    """
    return Overloaded(
        f"queue: expected photographs to wait {patience:g} s at most{named and f' ({named})'}, "
        f"received one that would wait {whole(wait)} s",
        retry_after=retry_after,
    )


def whole(seconds: float) -> int:
    """Round up, but for what is a rounding error of a sum."""
    return math.ceil(round(seconds, 3))
