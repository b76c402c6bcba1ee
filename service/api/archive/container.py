"""What holds several photographs in a response, and how Accept chooses it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from service.api.archive.source import Modified
from service.api.media_types import MIXED, ZIP, choose, media_range
from service.api.request import Header, Part
from service.errors import ServiceError

CONTAINERS = (ZIP, MIXED)


@dataclass(frozen=True, slots=True)
class Member:
    """A photograph to send.

    Attributes:
        source: The name of its file as the client gave it.
        media_type: Its format.
        parts: The bytes of the file.
        modified: When the client's file was.
        headers: What the headers of a response to it alone would say of it.
    """

    source: str
    media_type: str
    parts: Sequence[Part]
    modified: Modified
    headers: Sequence[Header]


class Container(Protocol):
    """Writes photographs one after another.

    Attributes:
        media_type: Its own, with parameters.
    """

    media_type: str

    def add(self, member: Member, /) -> tuple[str, Sequence[Part]]:
        """Return the name that a photograph gets, and what to send; in a thread."""
        ...

    def fail(self, source: str, error: ServiceError, /) -> Sequence[Part]:
        """Return what to send for a photograph that failed."""
        ...

    def end(self, manifest: bytes, /) -> Sequence[Part]:
        """Return what to send after the last photograph, with a list of all in JSON."""
        ...


def asked_for(accept: str) -> bool:
    """Return whether an Accept header names a container itself, not by a wildcard."""
    ranges = (media_range(part) for part in accept.split(","))
    return any(name in CONTAINERS and weight for name, weight in ranges)


def chosen(accept: str) -> str:
    """Return which of CONTAINERS a header prefers. Raises NotAcceptable where it is none."""
    return choose(accept, CONTAINERS)


def of_photographs(accept: str) -> str:
    """Return what of an Accept header applies to the photographs in a container."""
    parts = accept.split(",")
    return ",".join(part for part in parts if media_range(part)[0].startswith("image/"))
