"""Writing an answer in as few system calls and packets as it takes."""

import asyncio
from collections.abc import Callable
from typing import Any

SHORT = 1024
"""Bytes of a part of a body that cost less to copy than to send by themselves."""


class Corked:
    """A transport that holds the head of an answer until its body comes, or enough of it."""

    def __init__(self, transport: asyncio.Transport, linger: Callable[[], bool]) -> None:
        """linger: asked when it is to be closed, whether that is to wait."""
        self._transport = transport
        self._linger = linger
        self._lingers = False
        self._head = b""

    def write(self, data: bytes | memoryview) -> None:
        if self._transport.is_closing():  # nobody reads it any more
            return
        if self._head:
            head, self._head = self._head, b""
            if 0 < len(data) < SHORT:
                self._head = head + data
            else:
                self._transport.writelines((head, data))
        elif data[:7] == b"HTTP/1." and data[9:12] != b"100":
            self._head = data  # type: ignore[assignment]
        else:
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
