"""A connection in memory, as an event loop gives it to a protocol."""

import asyncio
from typing import Any

from tests.fuzz.target import Fault


class Transport(asyncio.Transport):
    """A connection in memory: it keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.reader: Any = None
        self.is_paused = self._is_closing = self.is_half_closed = False

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.reader = protocol

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.is_half_closed:
            raise Fault(f"expected nothing behind the end of the responses, received {data!r}")
        self.written += data

    def writelines(self, parts: Any) -> None:
        for part in parts:
            self.write(part)

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        self._is_closing = True

    abort = close

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.is_half_closed = True

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False

    def is_reading(self) -> bool:
        return not self.is_paused
