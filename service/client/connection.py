"""Where the service is, and how its requests are made: what both clients share."""

import re
import ssl
from dataclasses import dataclass
from typing import Any

import httpx

from service import __version__
from service.client.calls import Calls
from service.client.flow import Request
from service.client.retries import Retries

BASE_URL = "http://127.0.0.1:8000"
TIMEOUT = 600.0
"""Seconds that a call may take with all its attempts, by default."""
RETRIES = 5
"""Attempts after the first that may fail without the service saying when to come back."""
CONNECT = 10.0
"""Seconds that opening a connection may take."""
READY = 5.0
"""Seconds within which a service that is ready says so."""
KEY = re.compile(r"[!-~]+")
"""API keys: what a header can have, without spaces."""
AT_ONCE = 4
"""Photographs that are on their way at once, by default: one runs, others are read and written."""


@dataclass(frozen=True, slots=True)
class Connection:
    """Makes the requests of a client.

    Attributes:
        base_url: URL of the service, which may have a path.
        headers: Headers of every request.
        calls: What the client's calls share.
    """

    base_url: str
    headers: dict[str, str]
    calls: Calls

    @classmethod
    def to(
        cls, base_url: str, *, timeout: float, retries: int, api_key: str | None
    ) -> "Connection":
        """Return the connection to a service, as the clients' arguments describe it.

        Raises:
            ValueError: The URL has no scheme of HTTP or no host, a number is negative, or the API
                key has characters that no header can have. The message has nothing of a key.
        """
        url = httpx.URL(base_url)
        if url.scheme not in ("http", "https") or not url.host:
            raise ValueError(
                f"base_url: expected http://HOST or https://HOST, received {base_url!r}"
            )
        if not timeout > 0 or retries < 0:
            raise ValueError(
                "timeout, retries: expected more than 0 seconds and at least 0 attempts, received "
                f"{timeout} and {retries}"
            )
        headers = {"User-Agent": f"autoencoder-service-client/{__version__}"}
        if api_key:
            headers["Authorization"] = f"Bearer {_checked(api_key)}"
        return cls(str(url).rstrip("/"), headers, Calls(Retries(timeout, retries)))

    @property
    def verify(self) -> ssl.SSLContext | bool:
        """How httpx verifies certificates; it takes 50 ms to load those that http never needs."""
        return self.base_url.startswith("https") or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    def arguments(self, request: Request, seconds: float) -> dict[str, Any]:
        """Return the arguments that describe a request to either of httpx's clients.

        Args:
            request: The request.
            seconds: The most to wait for a free connection, or for bytes.
        """
        return {
            "method": request.method,
            "url": f"{self.base_url}/{request.path}",
            "params": dict(request.query) or None,
            "headers": {**self.headers, **request.headers},
            "content": request.content,
            "timeout": httpx.Timeout(seconds, connect=min(CONNECT, seconds)),
        }


def _checked(api_key: str) -> str:
    """Return a key without the spaces and line ends around it, which files have. Raises ValueError.

    An HTTP library would show the whole of one that no header can have.
    """
    key = api_key.strip()
    if not KEY.fullmatch(key):
        raise ValueError(
            "api_key: expected visible ASCII characters without spaces, received "
            f"{len(key)} characters{' with others among them' if key else ''}"
        )
    return key
