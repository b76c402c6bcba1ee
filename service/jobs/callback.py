"""Callbacks: the URL that a client names is told of the end of its job.

Only hosts that a setting lists are told, so that nobody makes the service ask inside of a network.
No redirect is followed, as it could lead to any other host. What such a name resolves to is the
operator's business, who has listed it.
"""

import asyncio
import http.client
import logging
import re
import ssl
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import SplitResult, urlsplit

from service.errors import CallbackForbidden, InvalidValue, StartupError, one_of

log = logging.getLogger(__name__)

PORTS = {"http": 80, "https": 443}
TIMEOUT = 5.0
"""Seconds that each step of a call may take."""
PAUSES = (1.0, 5.0)
"""Seconds between the tries."""
HOST = re.compile(r"(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[1-9][0-9]{0,4})?")
"""A name or an address, and a port."""
LONGEST = 2000
"""Characters of a URL."""
AT_A_TIME = 4
"""Calls at a time: slow ones take no threads of requests."""


class Callbacks:
    """The hosts that may be told, and how they are."""

    def __init__(self, hosts: str, setting: str) -> None:
        """Allow hosts.

        Args:
            hosts: Names or addresses separated by commas, each with or without a port. Without
                one, it is that of the scheme.
            setting: The name of the setting, for the messages of errors.

        Raises:
            StartupError: One of them is no host.
        """
        self._hosts = {host.strip().lower() for host in hosts.split(",") if host.strip()}
        self._setting = setting
        for host in sorted(self._hosts):
            if not HOST.fullmatch(host):
                raise StartupError(
                    f"{setting}: expected hosts, each with or without a port, received {host!r}"
                )
        self._threads = ThreadPoolExecutor(AT_A_TIME, "callback")

    def check(self, url: str) -> None:
        """Check a URL.

        Raises:
            InvalidValue: It is none of http or https.
            CallbackForbidden: Its host is not allowed.
        """
        parts = _split(url)
        port = PORTS[parts.scheme]
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        names = {f"{host}:{parts.port or port}"}
        if parts.port in (None, port):
            names.add(f"{host}")
        if not names & self._hosts:
            raise CallbackForbidden(
                f"callback: expected a host that {self._setting} lists, received {parts.netloc!r}"
            )

    async def call(self, url: str, body: bytes, request_id: str) -> None:
        """Post a document, and again after a while where that fails, three times in all."""
        loop = asyncio.get_running_loop()
        for pause in (*PAUSES, None):
            fault = await loop.run_in_executor(self._threads, _post, url, body, request_id)
            if not fault:
                return
            if pause is not None:
                await asyncio.sleep(pause)
        log.warning(
            "callback of request %s: expected a status of 200 to 299, received %s",
            request_id,
            fault,
            extra={"request_id": request_id},
        )


def _split(url: str) -> SplitResult:
    """Return the parts of a URL. Raises InvalidValue."""
    try:
        parts = urlsplit(url)
        is_valid = parts.port != 0 and bool(parts.hostname)
    except ValueError:
        is_valid = False
    is_plain = url.isascii() and url.isprintable() and " " not in url
    if not is_valid or not is_plain or len(url) > LONGEST:
        raise InvalidValue(f"callback: expected a URL, received {url[:200]!r}")
    if parts.scheme not in PORTS:
        raise InvalidValue(
            f"callback: expected a URL of {one_of(PORTS)}, received {parts.scheme[:20]!r}"
        )
    if "@" in parts.netloc:
        raise InvalidValue("callback: expected a URL without a user name, received one")
    return parts


def _post(url: str, body: bytes, request_id: str) -> str:
    """Post a document; return what failed, "" for nothing."""
    try:
        status = _status(_split(url), body, request_id)
    except (OSError, http.client.HTTPException, InvalidValue) as error:
        return str(error) or type(error).__name__
    return "" if 200 <= status < 300 else f"status {status}"


def _status(parts: SplitResult, body: bytes, request_id: str) -> int:
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    if parts.scheme == "https":
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(host, port, timeout=TIMEOUT, context=context)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {"Content-Type": "application/json", "X-Request-Id": request_id}
        connection.request("POST", target, body, headers | {"User-Agent": "autoencoder-service"})
        return connection.getresponse().status
    finally:
        connection.close()
