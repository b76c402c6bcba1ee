"""A connection ends on which no head comes, with TLS or without, in its handshake or after it."""

import contextlib
import re
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from tests.proxies.proxy import Name, Proxy, proxy

HALF = b"GET /health/live HTTP/1.1\r\nHost: x\r\n"
SOON = 20
"""Seconds; nginx waits 60 s where its configuration sets no time."""

BEGINNINGS: dict[str, Callable[[Proxy], socket.socket]] = {
    "half a head over TLS": lambda made: sent(made.connect_tls("http/1.1"), HALF),
    "silence after the handshake": lambda made: made.connect_tls("http/1.1"),
    "silence where TLS is expected": lambda made: plain(made.tls_port),
    "half a head on the port of redirects": lambda made: sent(plain(made.redirect_port), HALF),
    "silence on the port of redirects": lambda made: plain(made.redirect_port),
}


def plain(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=SOON)


def sent(connection: socket.socket, data: bytes) -> socket.socket:
    connection.sendall(data)
    return connection


def in_a_second(name: Name, text: str) -> str:
    """Return a configuration in which every time for a head is a second."""
    # The time for a handshake is in HAProxy that between two pieces of what clients send.
    times_of_clients = {
        "nginx": r"(client_header_timeout +)10s",
        "haproxy": r"(timeout (?:http-request|client) +)\d+s",
    }
    changed, times = re.subn(times_of_clients[name], r"\g<1>1s", text)
    assert times
    return changed


@pytest.fixture(scope="module")
def connections(name: Name) -> Iterator[dict[str, socket.socket]]:
    with contextlib.ExitStack() as stack:
        made = stack.enter_context(proxy(name, 9, change=in_a_second))
        found = {key: begin(made) for key, begin in BEGINNINGS.items()}
        for connection in found.values():
            stack.enter_context(connection)
        yield found


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_a_slow_head_ends_its_connection(
    connections: dict[str, socket.socket], beginning: str
) -> None:
    connection = connections[beginning]
    connection.settimeout(SOON)
    deadline = time.monotonic() + SOON
    with contextlib.suppress(ConnectionError):  # nginx resets it
        while connection.recv(4096):  # HAProxy says 408 first
            assert time.monotonic() < deadline
