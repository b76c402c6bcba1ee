"""Whose work it is: who shares a session, and the room in the service, with others."""

from contextvars import ContextVar
from typing import NamedTuple


class Party(NamedTuple):
    """A caller, as far as the engine needs to know it.

    Attributes:
        name: Tells it from others.
        weight: Its share where several want more than there is, relative to those of others, 1 to
            1000.
    """

    name: str
    weight: int


ANYBODY = Party("", 1)
"""Whose work it is where nobody has said."""

PARTY: ContextVar[Party] = ContextVar("party", default=ANYBODY)
"""Whose work is submitted now."""
