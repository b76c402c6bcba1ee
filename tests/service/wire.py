"""Requests for arrays and the answers to them, byte by byte over a socket."""

import io
import re
import socket

import numpy as np

RANDOM = np.random.default_rng(0)
SMALL, MIDDLE, LARGE = 3, 1500, 20_000
"""Images of 4x4: less than what is received where it stays, more, and more than one read has."""


def images(count: int) -> np.ndarray:
    return RANDOM.random((count, 4, 4), np.float32)


def body_of(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def head(length: int | None, *lines: str, version: str = "1.1") -> bytes:
    told = ["Transfer-Encoding: chunked"] if length is None else [f"Content-Length: {length}"]
    return "\r\n".join([f"POST /denoise HTTP/{version}", "Host: x", *told, *lines, "", ""]).encode()


def more(connection: socket.socket) -> bytes:
    """Return what is received next; where the other side has closed, no more is to come."""
    received = connection.recv(1 << 20)
    if not received:
        raise ConnectionError("expected more, received the end of the connection")
    return received


def read_head(connection: socket.socket) -> tuple[str, bytes]:
    received = b""
    while b"\r\n\r\n" not in received:
        received += more(connection)
    told, _, rest = received.partition(b"\r\n\r\n")
    return told.decode(), rest


def answer(connection: socket.socket) -> tuple[int, np.ndarray]:
    """The status and the array of the next answer."""
    told, body = read_head(connection)
    length = int(re.search(r"content-length: (\d+)", told, re.IGNORECASE)[1])  # type: ignore[index]
    while len(body) < length:
        body += more(connection)
    return int(told.split()[1]), np.load(io.BytesIO(body))


def check(connection: socket.socket, sent: np.ndarray) -> None:
    status, received = answer(connection)
    assert status == 200
    np.testing.assert_array_equal(received, sent / 2)
