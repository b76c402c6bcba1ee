"""A client of HTTP/2 that sends what no client may send."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamEnded, StreamReset
from h2.exceptions import ProtocolError

from tests.proxies.proxy import SITE, Proxy

Header = tuple[bytes, bytes]


@dataclass
class Answer:
    """What becomes of a request.

    Attributes:
        status: Its status, 0 where the request or its connection was reset.
        headers: Its headers.
        body: Its body.
    """

    status: int = 0
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""


def ask(proxy: Proxy, headers: Sequence[Header], body: bytes = b"") -> Answer:
    """Send a request over a connection of its own.

    Args:
        proxy: The proxy.
        headers: Pseudo-headers and headers, sent as they are.
        body: The body.
    """
    config = H2Configuration(
        validate_outbound_headers=False, normalize_outbound_headers=False, header_encoding=None
    )
    http = H2Connection(config)
    http.initiate_connection()
    http.send_headers(1, headers, end_stream=not body)
    if body:
        http.send_data(1, body, end_stream=True)
    answer = Answer()
    with (
        contextlib.suppress(ConnectionError, ProtocolError),
        proxy.connect_tls("h2") as connection,
    ):
        connection.sendall(http.data_to_send())
        while received := connection.recv(65536):
            for event in http.receive_data(received):
                if isinstance(event, ResponseReceived):
                    answer.headers = dict(event.headers)
                    answer.status = int(answer.headers[b":status"])
                elif isinstance(event, DataReceived):
                    answer.body += event.data
                elif isinstance(event, StreamEnded | StreamReset):
                    return answer
            connection.sendall(http.data_to_send())
    return answer


def request(method: bytes, path: bytes, *headers: Header) -> list[Header]:
    """Return the headers of a request to the site."""
    return [
        (b":method", method),
        (b":scheme", b"https"),
        (b":authority", SITE.encode()),
        (b":path", path),
        *headers,
    ]
