"""A connection, as far as its server's bounds need it."""

from typing import Protocol


class Connection(Protocol):
    """A connection that can be asked how it does, and be told to end.

    Attributes:
        received: Bytes of bodies that it has received.
    """

    received: int

    def has_more(self) -> bool:
        """Return whether more of a body is to come."""

    def reads(self) -> bool:
        """Return whether it takes what the client sends, or holds it back."""

    def unread(self) -> int:
        """Return the bytes of responses that the client has not read."""

    def read(self) -> int:
        """Return the bytes of responses that the client has read."""

    def end_head(self, seconds: float) -> None:
        """Close a connection whose head is not here in time."""

    def end_body(self, rate: int, received: int, seconds: float) -> None:
        """Close a connection of whose body so many bytes came in so many seconds."""

    def end_idle(self) -> None:
        """Close a connection between two requests."""

    def evict(self) -> None:
        """Close a connection that has no request, or has not sent all of the head of one."""

    def abort(self) -> None:
        """Drop a connection at once."""
