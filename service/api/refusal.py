"""Responds to requests that middleware refuses, so that they are counted, logged and traced too."""

from service.api.problems import failure_of
from service.api.request import Exchange
from service.api.routing import Serving
from service.errors import ServiceError


async def refuse(serving: Serving, exchange: Exchange, operation: str, error: ServiceError) -> None:
    """Respond to a request with an error, in the form that its path promises.

    Args:
        serving: Counts, logs and traces it.
        exchange: The request.
        operation: What it is counted as.
        error: Why it is refused.
    """

    async def fail(_: Exchange) -> None:
        raise error

    await serving.handle(exchange, operation, fail, failure_of(exchange.scope["path"]))
