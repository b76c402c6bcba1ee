"""uvicorn's HTTP protocol, which stays with HTTP/1.1 whatever else a client offers."""

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

FRAMING = (b"content-length", b"transfer-encoding")
"""Headers that say where a body ends."""


class Http1(HttpToolsProtocol):
    """A connection that upgrades to nothing.

    Java's client and `curl --http2` offer HTTP/2 with their first request. A server may take no
    notice (RFC 9110, section 7.8), but the parser believes that one that was offered: it leaves
    the body unread, which would be taken for the next request.
    """

    _is_told = False
    """Whether the parser is being told anew of a head that it has shown already."""

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._stay(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")

    def new_parser(self) -> httptools.HttpRequestParser:
        """Return a parser for what comes next."""
        parser = httptools.HttpRequestParser(self)
        parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return parser

    def _stay(self, rest: bytes) -> None:
        """Go on with the body of a request whose client offered something else."""
        framing = [b"%s: %s\r\n" % each for each in self.headers if each[0] in FRAMING]
        self.parser = self.new_parser()
        self._is_told = True
        self.parser.feed_data(b"".join((b"POST / HTTP/1.1\r\n", *framing, b"\r\n")))
        self._is_told = False
        if rest:
            self.data_received(rest)

    def on_message_begin(self) -> None:
        if not self._is_told:
            super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        if not self._is_told:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._is_told:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if not self._is_told:
            super().on_headers_complete()
            self.on_request()

    def on_request(self) -> None:
        """The head of a request has come, and its cycle is there."""

    def on_message_complete(self) -> None:
        if not self.parser.should_upgrade():
            super().on_message_complete()
