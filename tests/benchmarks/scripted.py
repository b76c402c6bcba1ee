"""A tiny HTTP server whose every answer a test decides."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

Script = Callable[[int], bytes]
"""The bytes that answer a connection's n-th request, from 0; with none the connection closes."""


def plain(status: int, body: bytes = b"ok", *fields: str) -> bytes:
    """An answer of known length."""
    lines = [f"HTTP/1.1 {status} Reason", f"Content-Length: {len(body)}", *fields, "", ""]
    return "\r\n".join(lines).encode() + body


class ScriptedServer:
    """Answers as its script says, each answer in two pieces; keeps what it was asked.

    pause: seconds before the answer to the first request of all, cut short when the test is over.
    """

    def __init__(self) -> None:
        self.port = 0
        self.script: Script = lambda _: plain(200)
        self.pause = 0.0
        self.connections = 0
        self.requests: list[bytes] = []
        self.over = asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/path?query=1"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await self._answer_all(reader, writer)
        writer.close()

    async def _answer_all(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answered = 0
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            size = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            self.requests.append(head + await reader.readexactly(size))
            if self.pause and len(self.requests) == 1:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.over.wait(), self.pause)
            answer = self.script(answered)
            if not answer:
                return
            writer.write(answer[: len(answer) // 2])
            await asyncio.sleep(0)
            writer.write(answer[len(answer) // 2 :])
            answered += 1
