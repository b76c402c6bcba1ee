"""Callbacks: the URL that a client names is told of the end of its job.

Only hosts that a setting lists are told, so that nobody makes the service ask inside of a network.
No redirect is followed, as it could lead to any other host. What such a name resolves to is the
operator's business, who has listed it.
"""

import asyncio
import logging
import re
import ssl
from collections import defaultdict
from urllib.parse import SplitResult, urlsplit

from service.errors import CallbackForbidden, InvalidValue, ServiceError, StartupError, one_of

log = logging.getLogger(__name__)

PORTS = {"http": 80, "https": 443}
CALL_SECONDS = 5.0
"""Seconds that a call may take, from the resolution of the name to the head of the response."""
PAUSES = (1.0, 5.0)
"""Seconds between the tries."""
HOST = re.compile(r"(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[1-9][0-9]{0,4})?")
"""A name or an address, and a port."""
LONGEST = 2000
"""Characters of a URL."""
AT_A_TIME = 4
"""Calls of a host at a time: a slow one holds up no other."""


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
        self._turns: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(AT_A_TIME)
        )

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
        """Post a document, and again after a while where that fails, three times in all.

        The settings may have changed since the job was created: a URL that they do not allow any
        more is not told.
        """
        fault = ""
        try:
            self.check(url)
            parts = _split(url)
            for pause in (*PAUSES, None):
                async with self._turns[parts.netloc.lower()]:
                    fault = await _post(parts, body, request_id)
                if not fault:
                    return
                if pause is not None:
                    await asyncio.sleep(pause)
        except ServiceError as error:
            fault = str(error)
        log.warning(
            "callback of request %s was not told: %s",
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


async def _post(parts: SplitResult, body: bytes, request_id: str) -> str:
    """Post a document; return what failed, "" for nothing."""
    import httpx

    # Made of what was checked: another parser might find another host in the same text.
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    url = httpx.URL(
        scheme=parts.scheme,
        host=parts.hostname or "",
        port=parts.port,
        raw_path=target.encode("ascii"),
    )
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "autoencoder-service",
        "X-Request-Id": request_id,
    }
    try:
        async with asyncio.timeout(CALL_SECONDS):
            verify = await _context(parts.scheme)
            async with (
                httpx.AsyncClient(verify=verify, timeout=None, trust_env=False) as client,
                client.stream("POST", url, content=body, headers=headers) as response,
            ):
                status = response.status_code
    except TimeoutError:
        return f"expected a response within {CALL_SECONDS:g} s, received none"
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        return str(error) or type(error).__name__
    return "" if 200 <= status < 300 else f"expected a status of 200 to 299, received {status}"


async def _context(scheme: str) -> ssl.SSLContext:
    """Return what checks certificates; loading those of the system takes a while."""
    if scheme == "http":
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return await asyncio.to_thread(ssl.create_default_context)
