"""One client cannot keep the others out: what a proxy bounds of each address."""

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.proxies.proxy import Name, Proxy, proxy
from tests.service.wire import read_head

MOST = 64
"""Of an address: connections of HAProxy, concurrent requests of nginx."""
FLOODING, OTHER = "127.0.0.9", "127.0.0.10"
GET = b"GET /health/live HTTP/1.1\r\nHost: x\r\n%s\r\n"
UNFINISHED = b"POST /denoise HTTP/1.1\r\nHost: x\r\n%sContent-Length: 100000\r\n\r\n"
HOSTS = {"127.0.0.11": "2001:db8:a0a:1::a0a", "127.0.0.12": "2001:db8:a0a:1:ffff::"}
ELSEWHERE = {"127.0.0.13": "2001:db8:a0a:2::a0a", "127.0.0.14": "203.0.113.1"}
"""Addresses of this machine, and those that they stand for: two of one /64, and others."""


def status(connection: socket.socket, line: bytes = b"") -> bytes:
    """Return the status of a request, b"" where the connection is closed."""
    with contextlib.suppress(ConnectionError):
        connection.sendall(GET % line)
        return connection.recv(65536)[9:12]
    return b""


def comes_to(expected: bytes, connect: Callable[[], socket.socket], line: bytes = b"") -> bool:
    """Return whether new connections get a status, once the proxy has seen those before."""
    deadline = time.monotonic() + 8  # of HAProxy's 10 s for connections on which nothing comes
    while time.monotonic() < deadline:
        found = b""
        with contextlib.suppress(ConnectionError), connect() as connection:
            found = status(connection, line)
        if found == expected:
            return True
        time.sleep(0.1)  # until the proxy has seen this one end
    print(f"expected {expected!r}, received {found!r}")
    return False


@pytest.fixture
def held() -> Iterator[contextlib.ExitStack]:
    """Holds connections until the end."""
    with contextlib.ExitStack() as stack:
        yield stack


def many(proxied: Proxy, held: contextlib.ExitStack) -> list[socket.socket]:
    """Return as many connections as an address may have, which wait for their next request.

    Each has been answered once: a proxy with several threads accepts connections in any order, so
    a later one could take the place of one of these.
    """
    connections = [held.enter_context(proxied.connect(FLOODING)) for _ in range(MOST)]
    assert {status(each) for each in connections} == {b"200"}
    return connections


@pytest.mark.parametrize("name", ["haproxy"], indirect=True)
def test_haproxy_closes_connections_beyond_those_of_an_address(
    proxied: Proxy, held: contextlib.ExitStack
) -> None:
    waiting = many(proxied, held)
    assert comes_to(b"", lambda: proxied.connect(FLOODING))
    with proxied.connect(OTHER) as other:
        assert status(other) == b"200"
    assert {status(each) for each in waiting} == {b"200"}
    waiting[0].close()
    assert comes_to(b"200", lambda: proxied.connect(FLOODING))


@pytest.mark.parametrize("name", ["nginx"], indirect=True)
def test_nginx_refuses_requests_beyond_those_of_an_address(
    proxied: Proxy, held: contextlib.ExitStack
) -> None:
    connections = many(proxied, held)
    with proxied.connect(FLOODING) as beyond, proxied.connect(OTHER) as other:
        assert status(beyond) == b"200"  # connections that wait do not count
        for each in connections:
            each.sendall(UNFINISHED % b"")
        assert comes_to(b"429", lambda: proxied.connect(FLOODING))
        beyond.sendall(GET % b"")
        head, body = read_head(beyond)
        assert head.startswith("HTTP/1.1 429")
        assert "\r\nRetry-After: 1\r\n" in head
        assert b'"code":"overloaded"' in body
        assert status(other) == b"200"


def test_a_network_of_ipv6_is_one_client(
    name: Name, port: int, held: contextlib.ExitStack, tmp_path: Path
) -> None:
    addresses = HOSTS | ELSEWHERE
    table = tmp_path / "addresses"
    table.write_text("".join(f"{each} {stands_for}\n" for each, stands_for in addresses.items()))
    with proxy(name, port, change=lambda _, text: stand_ins(name, text, table)) as made:
        lines = {each: f"X-Stands-For: {addresses[each]}\r\n".encode() for each in addresses}
        first, second = HOSTS
        connection = held.enter_context(made.connect(first))
        assert status(connection, lines[first]) == b"200"  # it comes first
        connection.sendall(UNFINISHED % lines[first])
        refused = b"429" if name == "nginx" else b""
        assert comes_to(refused, lambda: made.connect(second), lines[second])
        for each in ELSEWHERE:
            with made.connect(each) as connection:
                assert status(connection, lines[each]) == b"200"


def stand_ins(name: Name, text: str, table: Path) -> str:
    """Return a configuration that takes addresses of this machine for others, one of a client."""
    if name == "nginx":
        believed = "set_real_ip_from 127.0.0.0/8;\nreal_ip_header X-Stands-For;\n"
        return believed + text.replace(f"clients {MOST};", "clients 1;")
    rule = "    tcp-request connection track-sc0"
    believed = f"    tcp-request connection set-src src,map_ip_ip({table})\n{rule}"
    return text.replace(rule, believed).replace(f"gt {MOST} ", "gt 1 ")
