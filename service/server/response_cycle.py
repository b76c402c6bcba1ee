"""Responses of uvicorn's protocol: their Date, and bodies that end with the connection."""

from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.server import ServerState


class DefaultHeaders(list[tuple[bytes, bytes]]):
    """The headers of every response, with the time of the response as its Date.

    uvicorn's server makes a new list of them each second; a request would keep that of the second
    it came in.
    """

    def __init__(self, state: ServerState) -> None:
        super().__init__()
        self._state = state

    def __add__(  # type: ignore[override]
        self, more: list[tuple[bytes, bytes]]
    ) -> list[tuple[bytes, bytes]]:
        return self._state.default_headers + more


class UntilClose(RequestResponseCycle):
    """The response to a client of HTTP/1.0, which knows no chunks.

    A body of unknown length ends with the connection (RFC 9112, section 6.3), which uvicorn closes
    after each response of this version.
    """

    ends_with_connection = False

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            headers = (name.lower() for name, _ in message.get("headers", ()))
            self.ends_with_connection = b"content-length" not in headers
            if self.ends_with_connection:
                self.chunked_encoding = False
        elif message["type"] == "http.response.body" and self.ends_with_connection:
            self.expected_content_length = len(message.get("body", b""))
        await super().send(message)
