"""Responses of the server itself, to what reaches no application."""

from collections.abc import Iterable
from http import HTTPStatus

from service.api.problems import Body, Failed

Header = tuple[bytes, bytes]
TEXT = "text/plain; charset=utf-8"


def plain(status: HTTPStatus, fault: str) -> Failed:
    """Return a response in plain text, to what may be no HTTP."""
    return Failed(status, (), Body(TEXT, fault.encode()))


def written(refusal: Failed, default: Iterable[Header]) -> bytes:
    """Return a response that closes its connection, as it is sent.

    Args:
        refusal: The response.
        default: The headers of every response.
    """
    content = refusal.body.content
    headers = (
        *default,
        (b"content-type", refusal.body.media_type.encode()),
        (b"content-length", b"%d" % len(content)),
        (b"connection", b"close"),
        *refusal.headers,
    )
    lines = (
        f"HTTP/1.1 {refusal.status} {HTTPStatus(refusal.status).phrase}".encode(),
        *(b"%s: %s" % each for each in headers),
    )
    return b"\r\n".join((*lines, b"", content))
