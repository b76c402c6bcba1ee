"""Calls without I/O: generators that yield what is to be done, and receive what came of it.

Client and AsyncClient run the same generators, one on a blocking and one on an asynchronous
httpx client, as httpx itself runs its authentication flows.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request to the service.

    Attributes:
        method: The method.
        path: The path below the service's URL.
        query: Parameters.
        headers: Headers beside those of every request.
        content: The body.
        is_idempotent: Whether it may be sent again if it is not known to have arrived.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    is_idempotent: bool = True


@dataclass(frozen=True, slots=True)
class Send:
    """Send a request; the reply is an httpx.Response that has been read, or httpx.RequestError.

    Attributes:
        request: The request.
        seconds: The most to wait for a connection, for a free one, or for bytes.
    """

    request: Request
    seconds: float


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait; the reply is None."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Work:
    """Call what takes a while or reads a file; the reply is what it returns or raises."""

    run: Callable[[], Any]


Step: TypeAlias = Send | Pause | Work
Flow: TypeAlias = Generator[Step, Any, T]
