"""A server that answers as it is told to: what the real one cannot be made to do."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.service.wire import more

CUT = b"<cut>"
"""Ends an answer by closing the connection, whatever its Content-Length promised."""
TRICKLE = b"<trickle>"
"""Ends an answer that goes on with a byte at a time until the client closes the connection."""


@dataclass
class Scripted:
    """Where the server is, and what it was sent: heads and bodies of requests, in order."""

    url: str
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)


def answer(status: str, body: bytes = b"", *, media_type: str = "text/plain", **more: str) -> bytes:
    """Return a response; underscores of further headers stand for hyphens."""
    headers = {"Content-Type": media_type, "Content-Length": str(len(body))}
    headers |= {name.replace("_", "-"): value for name, value in more.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


@contextlib.contextmanager
def scripted(answers: Sequence[bytes]) -> Iterator[Scripted]:
    """Serve answers, one for each connection; none is left for those after the last."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = Scripted(f"http://127.0.0.1:{listener.getsockname()[1]}")

    def serve() -> None:
        for each in answers:
            try:
                connection, _ = listener.accept()
            except OSError:  # the test ends before the script
                return
            with connection, contextlib.suppress(OSError):  # the client may have gone
                _receive(connection, server)
                whole = each.removesuffix(CUT).removesuffix(TRICKLE)
                closing = whole.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
                connection.sendall(closing)
                while each.endswith(TRICKLE):
                    connection.sendall(b":")
                    time.sleep(0.02)
                connection.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield server
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)
    assert not thread.is_alive()


@contextlib.contextmanager
def tls_server(certificate: Path) -> Iterator[str]:
    """Yield the URL of a server that offers a certificate, and closes each connection then."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                context.wrap_socket(connection, server_side=True).close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def _receive(connection: socket.socket, server: Scripted) -> None:
    received = b""
    while b"\r\n\r\n" not in received:
        received += more(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.decode().lower().splitlines()
    length = next((int(line[15:]) for line in lines if line.startswith("content-length:")), 0)
    while len(body) < length:
        body += more(connection)
    server.heads.append(head.decode())
    server.bodies.append(body)
