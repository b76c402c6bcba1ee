"""Rows of a series in lines of JSON, while they come."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import ClientDisconnect

from service.api.codecs.ndjson import Lines
from service.api.request import Exchange
from service.errors import BodyTooLarge, DeadlineExceeded, MalformedBody, ServiceError

ROWS = 256
"""Rows that are taken at a time, at most: their windows run together."""
VALUES = 8192
"""Numbers of these rows, or one row: the event loop makes features of them in a millisecond."""


async def parts(exchange: Exchange, most: int) -> AsyncIterator[list[Any]]:
    """Yield the rows of the body as they come.

    Args:
        exchange: The request.
        most: Rows at a time.

    Raises:
        MalformedBody: A line is no JSON.
        BodyTooLarge: A line is too long.
        DeadlineExceeded: Nothing comes within the time limit.
        ClientDisconnect: The body breaks off.
    """
    lines, is_more = Lines(), True
    while is_more:
        async with in_time(exchange, "a row or a blank line"):
            message = await exchange.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        is_more = message.get("more_body", False)
        part: list[Any] = []
        fault: ServiceError | None = None
        values = lines.push(message.get("body", b""))
        try:
            for row in values if is_more else itertools.chain(values, lines.end()):
                part.append(row)
                if len(part) == most:
                    yield part
                    part = []
        except (MalformedBody, BodyTooLarge) as error:
            fault = error
        if part:
            yield part
        if fault:
            raise fault


@contextlib.asynccontextmanager
async def in_time(exchange: Exchange, what: str) -> AsyncIterator[None]:
    """Wait for something no longer than the time limit. Raises DeadlineExceeded."""
    try:
        async with asyncio.timeout(exchange.seconds):
            yield
    except TimeoutError:
        raise DeadlineExceeded(
            f"timeout: expected {what} within {exchange.seconds:g} s, received none"
        ) from None
