"""Counts requests against the quotas of their callers, before anything of their bodies is read."""

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Receive, Scope, Send

from service.access.allowance import Allowance
from service.access.identity import CONTROL, INFER, Identity, ScopeName, block_of, identity_of
from service.api.refusal import refuse
from service.api.request import Exchange, caller_of
from service.api.request_quota import QUOTA, RequestQuota
from service.api.routing import Serving
from service.api.scopes import NEEDED, scope_of
from service.errors import QuotaExceeded
from service.quota.fields import MEGAPIXELS, REQUESTS

if TYPE_CHECKING:
    from service.quota.rate_limiter import RateLimiter

REFUSED = "quota"
"""What requests are counted as that exceed the quota of requests."""


class QuotaMiddleware:
    """Middleware that responds itself to requests beyond the quota of their caller."""

    def __init__(
        self, app: ASGIApp, limiter: "RateLimiter", default: Allowance, serving: Serving
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
        self._has_default = default.is_limited
        self._serving = serving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            identity = identity_of(scope)
            if self._has_default or identity.allowance.is_limited:
                quotas = quotas_of(identity.allowance, self._default)
                if quotas and _counts(scope):
                    quota = self._quota(identity, caller_of(scope).name, quotas)
                    scope.setdefault("state", {})[QUOTA] = quota
                    send = quota.add_headers(send)
                    try:
                        await quota.take_request()
                    except QuotaExceeded as error:
                        await refuse(self._serving, Exchange(scope, receive, send), REFUSED, error)
                        return
        await self.app(scope, receive, send)

    def _quota(self, identity: Identity, name: str, quotas: Mapping[str, int]) -> RequestQuota:
        key = identity.name or ""
        who = f"the key {key}" if key else f"the address {block_of(identity.address)}"
        refused = functools.partial(self._serving.metrics.quota_refused, key=key)
        return RequestQuota(self._limiter, name, who, quotas, refused)


def _counts(scope: Scope) -> bool:
    state, path = scope.get("state", {}), scope["path"]
    needed = state[NEEDED] if NEEDED in state else scope_of(path)
    return _is_counted(scope["method"], path, needed)


def counts(method: str, path: str) -> bool:
    """Return whether a request counts: none of probes, pages and metrics, nor what becomes of jobs.

    Args:
        method: Its method.
        path: Its path.
    """
    return _is_counted(method, path, scope_of(path))


def _is_counted(method: str, path: str, needed: ScopeName | None) -> bool:
    return needed in (INFER, CONTROL) and (method == "POST" or not path.startswith("/jobs/"))


@functools.lru_cache(256)
def quotas_of(allowance: Allowance, default: Allowance) -> Mapping[str, int]:
    """Return most a minute by policy; policies without a limit are left out."""
    requests, megapixels = allowance.requests, allowance.megapixels
    quotas = {
        REQUESTS: default.requests if requests is None else requests,
        MEGAPIXELS: default.megapixels if megapixels is None else megapixels,
    }
    return {policy: quota for policy, quota in quotas.items() if quota}
