"""Counts requests against the quotas of their callers, before anything of their bodies is read."""

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Receive, Scope, Send

from service.access.allowance import Allowance
from service.access.caller import CONTROL, INFER, Caller, block_of, caller_of
from service.api.meter import METER, Meter
from service.api.problems import failure_of
from service.api.request import Exchange, party_of
from service.api.routing import Serving
from service.api.scopes import scope_of
from service.errors import QuotaExceeded
from service.quota.fields import MEGAPIXELS, REQUESTS

if TYPE_CHECKING:
    from service.quota.limiter import Limiter

REFUSED = "quota"
"""What requests are counted as that exceed the quota of requests."""


class Quotas:
    """Middleware that responds itself to requests beyond the quota of their caller."""

    def __init__(
        self, app: ASGIApp, limiter: "Limiter", default: Allowance, serving: Serving
    ) -> None:
        """Count the requests to an application.

        Args:
            app: The application.
            limiter: Has the counts.
            default: What callers may take whose API key does not say.
            serving: Counts, logs and traces the requests that are refused.
        """
        self.app = app
        self._limiter = limiter
        self._default = default
        self._serving = serving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and counts(scope["method"], scope["path"]):
            caller = caller_of(scope)
            if quotas := quotas_of(caller.allowance, self._default):
                meter = self._meter(caller, party_of(scope).name, quotas)
                scope.setdefault("state", {})[METER] = meter
                send = meter.telling(send)
                try:
                    await meter.take_request()
                except QuotaExceeded as error:
                    await self._refuse(error, Exchange(scope, receive, send))
                    return
        await self.app(scope, receive, send)

    def _meter(self, caller: Caller, name: str, quotas: Mapping[str, int]) -> Meter:
        key = caller.name or ""
        who = f"the key {key}" if key else f"the address {block_of(caller.address)}"
        refused = functools.partial(self._serving.metrics.quota_refused, key=key)
        return Meter(self._limiter, name, who, quotas, refused)

    async def _refuse(self, error: QuotaExceeded, exchange: Exchange) -> None:
        async def fail(_: Exchange) -> None:
            raise error

        failure = failure_of(exchange.scope["path"])
        await self._serving.handle(exchange, REFUSED, fail, failure)


def counts(method: str, path: str) -> bool:
    """Return whether a request counts: none of probes, pages and metrics, nor what becomes of jobs.

    Args:
        method: Its method.
        path: Its path.
    """
    if path.startswith("/jobs/") and method != "POST":
        return False
    return scope_of(path) in (INFER, CONTROL)


@functools.lru_cache(256)
def quotas_of(allowance: Allowance, default: Allowance) -> Mapping[str, int]:
    """Return most a minute by policy; policies without a limit are left out."""
    requests, megapixels = allowance.requests, allowance.megapixels
    quotas = {
        REQUESTS: default.requests if requests is None else requests,
        MEGAPIXELS: default.megapixels if megapixels is None else megapixels,
    }
    return {policy: quota for policy, quota in quotas.items() if quota}
