"""Clients that leave: in the middle of a body, of a response, of an upload, politely or not."""

import asyncio
import contextlib
import socket
import struct

import numpy as np

from tests.chaos.exchange import Address
from tests.chaos.mix import JSON, NPY, PNG, crop
from tests.chaos.questions import as_json, as_npy, as_picture, post

AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER for a connection that is reset as it is closed."""


def _leavings() -> list[tuple[bytes, int]]:
    """Return what is sent, and how many bytes of the response are read."""
    images = np.random.default_rng(0).random((300, 28, 28), np.float32)
    picture = post("/denoise?sigma=20", as_picture(crop(0, (384, 320))), PNG)
    large = post("/denoise?sigma=20", as_picture(crop(1, (640, 480))), PNG)
    arrays = post("/denoise", as_json(images), JSON, ("Accept", JSON))
    job = post("/jobs?sigma=20", as_picture(crop(2, (384, 320))), PNG)
    npy = post("/denoise", as_npy(images), NPY)
    return [
        (picture[: len(picture) // 2], 0),
        (large, 0),  # as soon as it has been sent
        (arrays[:-1], 0),
        (arrays, 1000),
        (npy, 1000),
        (job[: len(job) // 2], 0),
        (picture[:100], 0),
        (b"POST /denoise HTTP/1.1\r\nHost: chaos\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", 0),
    ]


LEAVINGS = _leavings()


async def leave(address: Address, turn: int) -> None:
    """Begin a request and leave before its end; each turn leaves in another way."""
    sent, read = LEAVINGS[turn % len(LEAVINGS)]
    with contextlib.suppress(OSError):
        reader, writer = await asyncio.open_connection(address.host, address.port)
        try:
            writer.write(sent)
            await writer.drain()
            if read:
                await reader.read(read)
            elif turn % 3:
                await asyncio.sleep(0.02)
            if turn % 2:
                connection = writer.get_extra_info("socket")
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        finally:
            writer.transport.abort()
