"""What comes over connections on which requests are sent: whole answers, and what is late."""

import contextlib
import re
import socket
import time
from collections import deque
from collections.abc import Callable, Mapping

Connect = Callable[[], socket.socket]
KEPT = 32
"""Connections that stay open: fewer than a client may have."""
INTERIM = re.compile(rb"^HTTP/1\.1 1.*?\r\n\r\n", re.DOTALL)
"""An answer before the answer: RFC 9110, section 15.2."""


def answers(
    connect: Connect, requests: Mapping[str, bytes], meanwhile: Callable[[], None]
) -> dict[str, bytes]:
    """Return all that comes over each connection on which something is sent.

    Args:
        connect: Opens a connection.
        requests: What to send, by name.
        meanwhile: Called after each first answer, while its connection stays open. What comes
            later is read once many others have been answered, and at the end after a while.
    """
    found: dict[str, bytes] = {}
    opened: deque[tuple[str, socket.socket]] = deque()
    with contextlib.ExitStack() as kept:
        for name, wire in requests.items():
            attacker = kept.enter_context(connect())
            with contextlib.suppress(OSError):  # it may be refused before all of it is sent
                attacker.sendall(wire)
            found[name] = first_answer(attacker, has_body=not wire.startswith(b"HEAD"))
            meanwhile()
            opened.append((name, attacker))
            if len(opened) > KEPT:
                earlier, attacker = opened.popleft()
                found[earlier] += what_is_there(attacker)
        time.sleep(0.3)
        for name, attacker in opened:
            found[name] += what_is_there(attacker)
    return found


def first_answer(attacker: socket.socket, *, has_body: bool) -> bytes:
    """Return an answer to its end, and what came with it; b"" where none comes for a second."""
    found = b""
    attacker.settimeout(1)
    with contextlib.suppress(OSError):
        while not is_whole(found, has_body=has_body) and (more := attacker.recv(65536)):
            found += more
            attacker.settimeout(30)
    return found


def is_whole(answer: bytes, *, has_body: bool) -> bool:
    """Return whether an answer has ended by its length; without one, its connection ends it."""
    head, end, body = INTERIM.sub(b"", answer).partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: (\d+)", head, re.IGNORECASE)
    if re.search(rb"\r\nconnection: close", head, re.IGNORECASE) or not length:
        return False
    return bool(end) and (not has_body or len(body) >= int(length[1]))


def what_is_there(attacker: socket.socket) -> bytes:
    """Close a connection, and return what has come over it."""
    found = b""
    attacker.setblocking(False)
    with contextlib.suppress(OSError), attacker:
        while more := attacker.recv(65536):
            found += more
    return found
