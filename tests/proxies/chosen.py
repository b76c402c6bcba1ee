"""TEST_PROXY=nginx or haproxy: whatever service a test starts, it asks through that proxy.

Paths that the proxies keep from the outside are asked from the inside, as operators do.
"""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Iterator
from typing import Any, get_args

import httpx
import uvicorn

from service.access.identity import INFER
from service.api.scopes import scope_of
from service.server.config import Config
from service.server.http_protocol import Protocol
from service.server.limits import ConnectionLimits
from service.server.security_headers import security_headers
from tests.proxies.proxy import Name, Proxy, proxy

VARIABLE = "TEST_PROXY"


def chosen() -> Name | None:
    """Return the proxy of the environment, None for none."""
    given = os.environ.get(VARIABLE, "")
    if given and given not in get_args(Name):
        raise ValueError(f"{VARIABLE}: expected one of {get_args(Name)}, received {given!r}")
    return given or None  # type: ignore[return-value]


@contextlib.contextmanager
def fronted(url: str) -> Iterator[str]:
    """Yield the URL at which tests ask a service: its own, or that of the proxy."""
    name = chosen()
    if name is None:
        yield url
        return
    with proxy(name, int(url.rpartition(":")[2])) as made:
        yield made.url


_open: "set[Through]" = set()


async def close_all() -> None:
    """Stop the servers and proxies that are left by tests which do not close their clients."""
    for each in [*_open]:
        await each.aclose()


class Through(httpx.ASGITransport):
    """Asks an application through the proxy, over sockets; from inside what only that may ask."""

    def __init__(self, app: Any, name: Name) -> None:
        super().__init__(app)
        self._name = name
        self._running = contextlib.AsyncExitStack()
        self._proxy: Proxy | None = None
        self._http = httpx.AsyncHTTPTransport(verify=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if scope_of(request.url.path) not in (None, INFER):
            return await super().handle_async_request(request)
        if self._proxy is None:
            _open.add(self)
            self._proxy = await self._start()
        request.url = request.url.copy_with(scheme="http", host="127.0.0.1", port=self._proxy.port)
        return await self._http.handle_async_request(request)

    async def _start(self) -> Proxy:
        listening = self._running.enter_context(socket.create_server(("127.0.0.1", 0)))
        config = Config(
            self.app,
            http=Protocol,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            headers=security_headers(is_shared=False),
            timeout_graceful_shutdown=1,
            connections=ConnectionLimits(),
        )
        server = uvicorn.Server(config)
        log = logging.getLogger("uvicorn.error")
        before, log.disabled = log.disabled, True  # tests look at what is logged
        task = asyncio.create_task(server._serve([listening]))
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.001)
        log.disabled = before

        async def stop() -> None:
            server.should_exit = True
            await task

        self._running.push_async_callback(stop)
        return self._running.enter_context(proxy(self._name, listening.getsockname()[1]))

    async def aclose(self) -> None:
        _open.discard(self)
        await self._http.aclose()
        await self._running.aclose()
        await asyncio.sleep(0.01)  # the loop may end now, and has sockets to close
