"""The body of a request: received as a whole, decompressed, within its bounds."""

import asyncio
import zlib
from collections.abc import Mapping

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from service.errors import BodyTooLarge, MalformedBody, UnsupportedMediaType
from service.inference.admission import Ticket

Body = bytes | memoryview

WHOLE_BODY, BODY_AT_HAND = "autoencoder.whole_body", "autoencoder.body_at_hand"
"""ASGI extensions that the service's own HTTP protocol has: see service/server/http_protocol.py."""
LARGE = 32 * 1024
"""Bytes of a body that is received where it stays."""
CODECS: Mapping[str, int] = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
STEP = 1024 * 1024
"""Bytes that are decompressed at once."""


def at_hand(scope: Scope, limit: int, ticket: Ticket) -> bytes | None:
    """Return a body that has come already, None where it is still to be received.

    Raises BodyTooLarge and Overloaded, as receive() does.
    """
    extension = scope.get("extensions", {}).get(BODY_AT_HAND)
    body: bytes | None = extension() if extension else None
    if body is not None and len(body) > ticket.bytes:  # its length was not told
        if len(body) > limit:
            raise BodyTooLarge(f"body: expected at most {limit} bytes, received more")
        ticket.grow(size=len(body) - ticket.bytes)
    return body


async def receive(scope: Scope, more: Receive, limit: int, ticket: Ticket) -> Body:
    """Return a body as it was sent, counted on a ticket beyond what was told of its length.

    limit: bytes. Raises BodyTooLarge as soon as it is known to be, Overloaded, ClientDisconnect.
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
            raise BodyTooLarge(f"body: expected at most {limit} bytes, received more")
        if received > counted:
            ticket.grow(size=received - counted)
            counted = received
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def decompress(body: Body, encoding: str, limit: int, ticket: Ticket) -> Body:
    """Return a body without its Content-Encoding, counted on a ticket as it grows.

    Raises UnsupportedMediaType for none of CODECS, MalformedBody where the body is not what it
    says, BodyTooLarge as soon as it is known to be, whatever it would become, Overloaded.
    """
    if encoding not in CODECS:
        raise UnsupportedMediaType(
            f"Content-Encoding: expected one of {', '.join(CODECS)}, received {encoding}"
        )
    codec = zlib.decompressobj(CODECS[encoding])
    pieces: list[bytes] = []
    size, rest = 0, bytes(body)
    while True:
        try:
            piece = await asyncio.to_thread(codec.decompress, rest, STEP)
        except zlib.error as error:
            fault = str(error).rpartition(": ")[2]  # "Error -3 while decompressing data: ..."
            raise MalformedBody(f"body: expected {encoding}, received: {fault}") from error
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            raise BodyTooLarge(f"body: expected at most {limit} bytes decompressed, received more")
        ticket.grow(size=len(piece))
        rest = codec.unconsumed_tail
        if codec.eof:
            rest = codec.unused_data
            if not rest:
                return b"".join(pieces)
            codec = zlib.decompressobj(CODECS[encoding])  # gzip may have one member after another
        elif not rest and len(piece) < STEP:
            raise MalformedBody(f"body: expected all of a {encoding} stream, received its start")
