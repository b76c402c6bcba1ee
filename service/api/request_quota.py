"""The quotas of the caller of one request: what it takes, and headers that say what is left."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.types import Message, Send

from service.errors import BodyTooLarge, QuotaExceeded
from service.quota import fields
from service.quota.fields import MEGAPIXELS, REQUESTS, Remaining

if TYPE_CHECKING:
    from service.quota.rate_limiter import RateLimiter

QUOTA = "quota"
"""Where the state of an ASGI scope has the quotas of a request, if its caller has any."""
KILO = 1000
"""Pixels that are counted at a time."""


@dataclass(eq=False)
class RequestQuota:
    """The quotas of a caller, for one request.

    Args:
        limiter: Has the counts.
        caller: The name of the caller there.
        who: How errors name it.
        quotas: Most a minute, by policy.
        refused: Called with the policy of each refusal.
    """

    limiter: "RateLimiter"
    caller: str
    who: str
    quotas: Mapping[str, int]
    refused: Callable[[str], None]
    _remaining: dict[str, Remaining] = field(default_factory=dict)

    async def take_request(self) -> None:
        """Count the request. Raises QuotaExceeded."""
        if quota := self.quotas.get(REQUESTS):
            decision = await self.limiter.take(REQUESTS, self.caller, quota, 1)
            self._remaining[REQUESTS] = Remaining(decision.remaining)
            if not decision.is_granted:
                raise self._exceeded(
                    REQUESTS,
                    f"requests: expected at most {quota} a minute of {self.who}, received one more",
                    0,
                    decision.wait,
                )

    async def take_pixels(self, pixels: int) -> None:
        """Count photographs.

        Raises:
            QuotaExceeded: There are more pixels than are left.
            BodyTooLarge: There are more than there ever are.
        """
        quota = self.quotas.get(MEGAPIXELS)
        if not quota or not pixels:
            return
        cost, size = -(-pixels // KILO), pixels / 1e6
        if cost > quota * KILO:
            self.refused(MEGAPIXELS)
            raise BodyTooLarge(
                f"photographs: expected at most {quota} megapixels, the quota a minute of "
                f"{self.who}, received {size:.3f}"
            )
        decision = await self.limiter.take(MEGAPIXELS, self.caller, quota * KILO, cost)
        self._remaining[MEGAPIXELS] = Remaining(decision.remaining // KILO)
        if not decision.is_granted:
            raise self._exceeded(
                MEGAPIXELS,
                f"photographs: expected at most {quota} megapixels a minute of {self.who}, "
                f"received {size:.3f} while {decision.remaining / KILO:.3f} are left",
                decision.remaining // KILO,
                decision.wait,
            )

    def add_headers(self, send: Send) -> Send:
        """Return what sends a response with RateLimit-Policy and RateLimit."""
        policies = fields.policies(self.quotas)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = [(fields.POLICY, policies)]
                if self._remaining:
                    added.append((fields.LIMIT, fields.limits(self._remaining)))
                message = {**message, "headers": [*message.get("headers", ()), *added]}
            await send(message)

        return send_with_headers

    def _exceeded(self, policy: str, detail: str, remaining: int, wait: int) -> QuotaExceeded:
        # Of other policies the window may end later than the client is told to come again.
        self._remaining = {policy: Remaining(remaining, wait)}
        self.refused(policy)
        return QuotaExceeded(f"{detail}; there is room in {wait} s", retry_after=wait)
