"""Takes what a request needs from the quotas of its caller, and tells it what is left."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.types import Message, Send

from service.errors import BodyTooLarge, QuotaExceeded
from service.quota import fields
from service.quota.fields import MEGAPIXELS, REQUESTS, Left

if TYPE_CHECKING:
    from service.quota.limiter import Limiter  # which needs `limits`, and takes 60 ms to import

METER = "meter"
"""Where the state of an ASGI scope has the meter of a request, if its caller has quotas."""
KILO = 1000
"""Pixels that are counted at a time."""


def meter_of(scope: Mapping[str, Any]) -> "Meter | None":
    """Return the meter of a request, None where it has none."""
    meter: Meter | None = scope.get("state", {}).get(METER)
    return meter


@dataclass(eq=False)
class Meter:
    """The quotas of a caller, for one request.

    Args:
        limiter: Has the counts.
        caller: The name of the caller there.
        who: How errors name it.
        quotas: Most a minute, by policy.
        refused: Called with the policy of each refusal.
    """

    limiter: "Limiter"
    caller: str
    who: str
    quotas: Mapping[str, int]
    refused: Callable[[str], None]
    _left: dict[str, Left] = field(default_factory=dict)

    async def take_request(self) -> None:
        """Count the request. Raises QuotaExceeded."""
        if quota := self.quotas.get(REQUESTS):
            taken = await self.limiter.take(REQUESTS, self.caller, quota, 1)
            if taken is None:
                return
            self._left[REQUESTS] = Left(taken.left)
            if not taken.is_granted:
                raise self._exceeded(
                    REQUESTS,
                    f"requests: expected at most {quota} a minute of {self.who}, received one more",
                    0,
                    taken.wait,
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
        taken = await self.limiter.take(MEGAPIXELS, self.caller, quota * KILO, cost)
        if taken is None:
            return
        self._left[MEGAPIXELS] = Left(taken.left // KILO)
        if not taken.is_granted:
            raise self._exceeded(
                MEGAPIXELS,
                f"photographs: expected at most {quota} megapixels a minute of {self.who}, "
                f"received {size:.3f} while {taken.left / KILO:.3f} are left",
                taken.left // KILO,
                taken.wait,
            )

    def telling(self, send: Send) -> Send:
        """Return what sends a response with the headers that tell what is left."""
        policies = fields.policies(self.quotas)

        async def send_told(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = [(fields.POLICY, policies)]
                if self._left:
                    told.append((fields.LIMIT, fields.limits(self._left)))
                message = {**message, "headers": [*message.get("headers", ()), *told]}
            await send(message)

        return send_told

    def _exceeded(self, policy: str, detail: str, left: int, wait: int) -> QuotaExceeded:
        # Of other policies the window may end later than the client is told to come again.
        self._left = {policy: Left(left, wait)}
        self.refused(policy)
        return QuotaExceeded(f"{detail}; there is room in {wait} s", retry_after=wait)
