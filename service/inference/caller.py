"""Whose work it is: who shares a session, and the room in the service, with others."""

from contextvars import ContextVar
from typing import NamedTuple


class Caller(NamedTuple):
    """One who shares the service with others: the name of an API key, or the block of an address.

    Attributes:
        name: Tells it from others.
        weight: Its share where several want more than there is, relative to those of others, 1 to
            1000.
    """

    name: str
    weight: int


ANYBODY = Caller("", 1)
"""Whose work it is where nobody has said."""

CALLER: ContextVar[Caller] = ContextVar("caller", default=ANYBODY)
"""Whose work is submitted now."""
