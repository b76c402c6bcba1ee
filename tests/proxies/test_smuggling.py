"""Request smuggling: whatever one client sends, every answer belongs to who asked for it."""

import io
import re
import socket
import threading
import time

import numpy as np

from tests.proxies.answers import Connect, answers
from tests.proxies.attacks import ATTACKS, TARGETS, get
from tests.proxies.conftest import connections
from tests.proxies.proxy import Proxy
from tests.service.running import Running
from tests.service.wire import body_of, more, read_head

METRICS = b"# TYPE"
UNREAD = b"Invalid HTTP request received."


class Victim:
    """A client that asks for what nobody else asks for, and checks that it gets that."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._asked = 0

    def ask(self) -> None:
        """Send two requests over a connection."""
        with self._connect() as connection:
            self._get(connection)
            self._denoise(connection)

    def _get(self, connection: socket.socket) -> None:
        self._asked += 1
        path = f"/victim/{self._asked}"
        request = f"GET {path} HTTP/1.1\r\nHost: x\r\nX-Request-Id: victim-{self._asked}\r\n\r\n"
        connection.sendall(request.encode())
        head, body = self._answer(connection)
        assert head.startswith("HTTP/1.1 404"), head
        assert f"received '{path}'" in body.decode()

    def _denoise(self, connection: socket.socket) -> None:
        self._asked += 1
        sent = np.full((1, 4, 4), self._asked, np.float32)
        body = body_of(sent)
        told = f"POST /denoise HTTP/1.1\r\nHost: x\r\nX-Request-Id: victim-{self._asked}\r\n"
        connection.sendall(f"{told}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        head, body = self._answer(connection)
        assert head.startswith("HTTP/1.1 200"), head
        np.testing.assert_array_equal(np.load(io.BytesIO(body)), sent / 2)

    def _answer(self, connection: socket.socket) -> tuple[str, bytes]:
        head, body = read_head(connection)
        length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
        assert length
        while len(body) < int(length[1]):
            body += more(connection)
        assert len(body) == int(length[1])
        assert re.findall(r"x-request-id: (\S+)", head, re.IGNORECASE) == [f"victim-{self._asked}"]
        return head, body


def test_answers_that_come_in_pieces_and_late_are_read() -> None:
    pieces = (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", b"ok", b"of another")

    def serve(listening: socket.socket) -> None:
        with listening.accept()[0] as connection:
            for each in pieces:
                connection.sendall(each)
                time.sleep(0.1)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = threading.Thread(target=serve, args=(listening,))
        server.start()
        address = listening.getsockname()
        found = answers(lambda: socket.create_connection(address), {"": b"x"}, lambda: None)
        server.join()
    assert found == {"": b"".join(pieces)}


def test_no_answer_goes_to_anybody_else(proxied: Proxy, service: Running, port: int) -> None:
    victim = Victim(proxied.connect)
    victim.ask()
    idle = connections(port)
    assert idle >= 1  # which victims and attackers share
    for name, answer in answers(proxied.connect, ATTACKS, victim.ask).items():
        assert b"victim" not in answer, name
        assert METRICS not in answer, name
    assert connections(port) < idle + 10
    assert "Traceback" not in service.log.read_text()


def test_a_path_is_not_reached_in_any_spelling(proxied: Proxy) -> None:
    close = b"Connection: close"
    requests = {repr(each): get(b"Host: x", close, target=each) for each in TARGETS}
    for name, answer in answers(proxied.connect, requests, lambda: None).items():
        assert answer, name
        assert METRICS not in answer, name


def test_the_service_itself_ends_the_connection_with_what_it_cannot_read(
    service: Running, port: int
) -> None:
    def connect() -> socket.socket:
        return socket.create_connection(("127.0.0.1", port), timeout=30)

    for name, answer in answers(connect, ATTACKS, lambda: None).items():
        if "length" in name.split(" and ") and "_" not in name:
            assert answer.startswith(b"HTTP/1.1 400 "), name
        if UNREAD in answer:
            assert answer.endswith(UNREAD), name
    assert "Traceback" not in service.log.read_text()
