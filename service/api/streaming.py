"""Bodies received and responses sent piece by piece, so that neither is in memory as a whole."""

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import ClientDisconnect

from service.api.body import too_large
from service.api.request import Exchange, Part
from service.errors import DeadlineExceeded

PIECE = 256 * 1024
"""Bytes of a part that are sent at a time: those in memory beside it for a slow reader."""
LEAST_RATE = 8192
"""Bytes a second of a body that may take longer than the time limit: those of a slow modem."""


async def pieces(exchange: Exchange, limit: int) -> AsyncIterator[bytes]:
    """Yield the body as it was sent, piece by piece, as long as it comes fast enough.

    The time limit is that of a short body; each second more takes LEAST_RATE bytes.

    Args:
        exchange: The request.
        limit: Most bytes of the body.

    Raises:
        BodyTooLarge: The limit is passed; the rest is not received.
        DeadlineExceeded: It comes too slowly.
        ClientDisconnect: The body breaks off.
    """
    received, is_more = 0, True
    while is_more:
        try:
            left = exchange.seconds + received / LEAST_RATE - exchange.elapsed()
            async with asyncio.timeout(min(exchange.seconds, left)):
                message = await exchange.receive()
        except TimeoutError:
            exchange.closes = True
            raise DeadlineExceeded(
                f"timeout: expected the body within {exchange.seconds:g} s, and a second more for "
                f"each {LEAST_RATE} bytes, received {received} bytes"
            ) from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        piece: bytes = message.get("body", b"")
        is_more = message.get("more_body", False)
        received += len(piece)
        if received > limit:
            raise too_large(limit, "more")
        yield piece


async def send(exchange: Exchange, *parts: Part, is_progress: bool = True) -> None:
    """Send parts of a response whose head has been sent.

    Each piece is sent once the client has read most of those before, so that a slow reader
    holds back whoever has the next part.

    Args:
        exchange: The request.
        parts: What to send.
        is_progress: Whether the time limit restarts with each piece.

    Raises:
        ClientDisconnect: The client reads the parts too slowly.
    """
    if is_progress:
        exchange.progress()
    async with exchange.read_in_time():
        for part in parts:
            content = memoryview(part)
            for start in range(0, len(content), PIECE):
                piece = content[start : start + PIECE]
                await exchange.send(
                    {"type": "http.response.body", "body": piece, "more_body": True}
                )
                if is_progress:
                    exchange.progress()
