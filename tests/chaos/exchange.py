"""A connection of a client: it sends a whole request and reads a whole response, or fails."""

import asyncio
import contextlib
import time
from dataclasses import dataclass
from typing import NamedTuple

PATIENCE = 90.0
"""Seconds after which a client takes a response for missing: the service's own timeout is less."""
IDLE = 1.0
"""Seconds after which a client opens another connection: the service closes idle ones after 5 s."""


class Reply(NamedTuple):
    """A response: status, headers by name in lower case, body."""

    status: int
    headers: dict[str, str]
    body: bytes


class Lost(Exception):
    """The connection was refused, or closed before the end of the response.

    Attributes:
        begun: Whether a part of the response had come.
    """

    def __init__(self, fault: str, *, begun: bool) -> None:
        super().__init__(fault)
        self.begun = begun


@dataclass(frozen=True)
class Address:
    """Where the service listens."""

    host: str
    port: int


class Connection:
    """A keep-alive connection, opened where it is needed."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._used = 0.0

    async def ask(self, request: bytes, patience: float = PATIENCE) -> Reply:
        """Send a request; return the response.

        Raises:
            Lost: The connection was refused or closed.
            TimeoutError: There is no response after so many seconds.
        """
        begun = False
        try:
            async with asyncio.timeout(patience):
                reader, writer = await self._open()
                writer.write(request)
                await writer.drain()
                head = await reader.readuntil(b"\r\n\r\n")
                begun = True
                reply = await _read(reader, head)
        except (OSError, EOFError) as error:
            if isinstance(error, asyncio.IncompleteReadError):
                begun = begun or bool(error.partial)
            self.close()
            if isinstance(error, TimeoutError):
                raise
            raise Lost(f"{type(error).__name__}: {error}", begun=begun) from error
        except BaseException:
            self.close()
            raise
        self._used = time.monotonic()
        if reply.headers.get("connection") == "close":
            self.close()
        return reply

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._streams:
            self._streams[1].transport.abort()
            self._streams = None

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        for _ in range(2):  # until an end that has come is noticed
            await asyncio.sleep(0)
        if self._streams and (self._streams[0].at_eof() or time.monotonic() - self._used > IDLE):
            self.close()
        if self._streams is None:
            address = self._address
            self._streams = await asyncio.open_connection(address.host, address.port, limit=1 << 20)
        return self._streams


async def ask_once(address: Address, request: bytes, patience: float = PATIENCE) -> Reply:
    """Return the response to a request on a connection of its own. Raises as Connection.ask()."""
    connection = Connection(address)
    with contextlib.closing(connection):
        return await connection.ask(request, patience)


async def _read(reader: asyncio.StreamReader, head: bytes) -> Reply:
    lines = head.decode("latin-1").split("\r\n")
    headers = {
        name.lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines[1:])
    }
    body = b""
    if headers.get("transfer-encoding") == "chunked":
        while size := int(await reader.readuntil(b"\r\n"), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readuntil(b"\r\n")
    elif length := int(headers.get("content-length", 0)):
        body = await reader.readexactly(length)
    return Reply(int(lines[0].split()[1]), headers, body)
