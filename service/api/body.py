"""The body of a request: received as a whole, decompressed, within its limits."""

import asyncio
import zlib
from collections.abc import Iterator, Mapping

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from service.errors import BodyTooLarge, MalformedBody, UnsupportedMediaType, is_shortage
from service.inference.ticket import Ticket

Body = bytes | memoryview

WHOLE_BODY, BODY_AT_HAND = "autoencoder.whole_body", "autoencoder.body_at_hand"
"""ASGI extensions that the service's own HTTP protocol has: see service/server/http_protocol.py."""
LARGE = 32 * 1024
"""Bytes of a body from which it is received into one buffer of its own."""
CODINGS: Mapping[str, int] = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
"""Content codings (RFC 9110, section 8.4.1), and the window bits that tell zlib of each."""
STEP = 1024 * 1024
"""Bytes that are decompressed at a time."""
FED = 16 * 1024
"""Bytes that zlib gets at a time."""


SETTING = "SERVICE_MAX_BODY_BYTES"


def too_large(limit: int, received: int | str, setting: str = SETTING) -> BodyTooLarge:
    """Return the error of a body above a limit in bytes; it names the setting, if there is one."""
    named = f" ({setting})" if setting else ""
    return BodyTooLarge(f"body: expected at most {limit} bytes{named}, received {received}")


async def receive(
    scope: Scope, more: Receive, limit: int, ticket: Ticket, setting: str = SETTING
) -> Body:
    """Return a body as it was sent.

    Args:
        scope: The ASGI scope of the request.
        more: The ASGI callable that gives the next message.
        limit: Most bytes of the body.
        ticket: Counts the bytes beyond the Content-Length, which it has counted already.
        setting: What sets the limit, for the message of its error; "" for none.

    Raises:
        BodyTooLarge: The limit is passed; the rest is not received.
        Overloaded: The bytes find no room beside those of other requests.
        ClientDisconnect: The body breaks off.
    """
    counted = ticket.bytes
    whole = scope.get("extensions", {}).get(WHOLE_BODY)
    if whole and counted > LARGE:
        body: Body | None = await whole(counted)
        if body is None:
            raise ClientDisconnect
        return body
    chunks: list[bytes] = []
    received, is_more = 0, True
    while is_more:
        message = await more()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk: bytes = message.get("body", b"")
        is_more = message.get("more_body", False)
        received += len(chunk)
        if received > limit:
            raise too_large(limit, "more", setting)
        if received > counted:
            ticket.grow(size=received - counted)
            counted = received
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def decompress(
    body: Body, coding: str, limit: int, ticket: Ticket, setting: str = SETTING
) -> Body:
    """Return a body without its content coding, counted on a ticket as it grows.

    Args:
        body: The body as it was sent.
        coding: The Content-Encoding header, in lower case.
        limit: Most bytes of the result.
        ticket: Counts the bytes of the result, besides those of the body.
        setting: What sets the limit, for the message of its error; "" for none.

    Raises:
        UnsupportedMediaType: The coding is none of CODINGS.
        MalformedBody: The body is cut off or damaged.
        BodyTooLarge: The limit is passed; the rest is not decompressed.
        Overloaded: The bytes find no room beside those of other requests.
    """
    if coding not in CODINGS:
        raise UnsupportedMediaType(
            f"Content-Encoding: expected one of {', '.join(CODINGS)}, received {coding}"
        )
    pieces: list[bytes] = []
    size = 0
    source = _decompressed(body, coding)
    while (piece := await asyncio.to_thread(next, source, None)) is not None:
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            raise too_large(limit, "more once it is decompressed", setting)
        ticket.grow(size=len(piece))
    return b"".join(pieces)


def _decompressed(body: Body, coding: str) -> Iterator[bytes]:
    """Yield the content of a body in pieces: STEP bytes or more of it, or of the body.

    What zlib leaves of its input is a copy: it gets FED bytes at a time, so that the time grows
    with the size of the body alone, however many members a gzip file has.

    Raises:
        MalformedBody: The body is cut off or damaged.
    """
    compressed = memoryview(body)
    stream = zlib.decompressobj(CODINGS[coding])
    pieces: list[bytes] = []
    start = size = at = 0
    while True:
        fed = compressed[at : at + FED]
        try:
            piece = stream.decompress(fed, STEP)
        except zlib.error as error:
            if is_shortage(error):
                raise MemoryError from error
            fault = str(error).rpartition(": ")[2]  # "Error -3 while decompressing data: ..."
            raise MalformedBody(f"body: expected {coding}, received: {fault}") from error
        at += len(fed) - len(stream.unconsumed_tail) - len(stream.unused_data)
        pieces.append(piece)
        size += len(piece)
        has_ended = at == len(body) and (stream.eof or len(piece) < STEP)
        if has_ended or size >= STEP or at - start >= STEP:
            yield b"".join(pieces)
            pieces.clear()
            start, size = at, 0
        if has_ended and not stream.eof:
            raise MalformedBody(f"body: expected all of a {coding} stream, received its start")
        if has_ended:
            return
        if stream.eof:
            stream = zlib.decompressobj(CODINGS[coding])  # gzip may have several members
