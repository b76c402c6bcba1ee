"""Hot routes that bypass FastAPI, and what it does for others: errors, the log, metrics, traces.

FastAPI's middleware and router take 28 microseconds, a third of what a small JSON request takes
altogether. Only POST requests to these routes bypass them.
"""

import asyncio
import contextlib
import logging
import math
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from service.access.identity import address_of
from service.api.problems import Failed, Failure, failed, refused
from service.api.request import NO_FAULT, Exchange
from service.errors import (
    BodyTooLarge,
    DeadlineExceeded,
    InsufficientMemory,
    Overloaded,
    ServiceError,
    ShuttingDown,
    StartupError,
    is_shortage,
)
from service.images.formats import READ_ALL, Policy
from service.inference.admission import Admission
from service.inference.registry import ModelRegistry
from service.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from service.telemetry.tracing import Tracer  # which needs the extra `otel`

CLIENT_GONE = 499
"""The status that is counted where the client disconnects before its response: nginx's custom."""

UNTRACED = contextlib.nullcontext()

log = logging.getLogger("service.requests")


class DirectRoute(APIRoute):
    """A POST route that a function's signature documents and an ASGI application serves."""

    def __init__(
        self, path: str, documented: Callable[..., Any], app: ASGIApp, **described: Any
    ) -> None:
        """Create a route.

        Args:
            path: The path, with names in braces for its parameters.
            documented: A function that is never called; OpenAPI shows its signature and docstring.
            app: Serves the requests.
            described: What else OpenAPI shows, as APIRoute takes it.
        """
        super().__init__(path, documented, methods=["POST"], **described)
        self.app = app


class Shortcut:
    """An application whose DirectRoutes are looked up before anything else runs."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        routes = [route for route in app.routes if isinstance(route, DirectRoute)]
        self._exact = {route.path: route.app for route in routes if "{" not in route.path}
        self._patterns = [route for route in routes if "{" in route.path]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST":
            path = scope["path"]
            if path in self._exact:
                await self._exact[path](scope, receive, send)
                return
            for route in self._patterns:
                if match := route.path_regex.match(path):
                    scope["path_params"] = match.groupdict()
                    scope["route"] = route
                    await route.app(scope, receive, send)
                    return
        await self.app(scope, receive, send)


@dataclass(frozen=True)
class Limits:
    """The most that a request may ask for.

    Attributes:
        body_bytes: Bytes of its body.
        output_bytes: Bytes of the output.
        pixels: Pixels of its pictures; of each, where they are answered one after another.
        steps: Steps of a sequence.
        photographs: Photographs that are answered one after another.
        policy: In which formats it may send pictures.
    """

    body_bytes: int
    output_bytes: int
    pixels: int
    steps: int
    photographs: int
    policy: Policy = READ_ALL

    def check_output(self, shape: tuple[int, ...]) -> int:
        """Return the bytes of an output of a shape, as float32. Raises BodyTooLarge."""
        size = 4 * math.prod(shape)
        if size > self.output_bytes:
            raise BodyTooLarge(
                f"outputs: expected at most {self.output_bytes} bytes of float32 "
                "(SERVICE_MAX_OUTPUT_BYTES), "
                f"received a request for {size}, of shape {shape}"
            )
        return size


@dataclass(frozen=True)
class Serving:
    """What every request for a model needs: one of each in a service.

    Args:
        registry: The models.
        admission: How much may be in the service at once.
        metrics: Counts requests.
        limits: What a single request may ask for.
        timeout: Seconds from the request's head until the response has to be there.
        tracer: Traces requests; None where tracing is off.
        origins: Other origins whose pages may change state, "*" for any.
    """

    registry: ModelRegistry
    admission: Admission
    metrics: Metrics
    limits: Limits
    timeout: float
    tracer: "Tracer | None" = None
    origins: Collection[str] = ()

    async def handle(
        self,
        exchange: Exchange,
        operation: str,
        respond: Callable[[Exchange], Awaitable[None]],
        failure: Failure,
    ) -> None:
        """Respond to a request, with an error where that fails; count, log and trace it.

        Args:
            exchange: The request.
            operation: What it is counted as.
            respond: Sends the response, or raises.
            failure: How errors are written.
        """
        exchange.seconds = self.timeout
        with self.tracer.request(operation, exchange) if self.tracer else UNTRACED:
            worst = logging.ERROR
            try:
                await respond(exchange)
            except ServiceError as error:
                if isinstance(error, StartupError):  # a model that the client asked to load
                    worst = logging.WARNING
                if isinstance(error, DeadlineExceeded):
                    error.headers = {"Retry-After": str(self.admission.wait())}
                await _fail(exchange, failure, error)
            except ClientDisconnect:
                exchange.status = CLIENT_GONE
            except asyncio.CancelledError:  # shutdown_seconds are over: the last chance to respond
                if exchange.is_gone_if_cancelled:  # as a job that is stopped in a thread
                    exchange.status = exchange.status or CLIENT_GONE
                if exchange.status:
                    raise
                stopped = ShuttingDown("expected an answer before the service stops, received none")
                await _fail(exchange, failure, stopped)
            except Exception as error:
                if is_shortage(error) and not exchange.status:
                    await _fail(exchange, failure, self.short_of_memory(error))
                    return
                who = exchange.request_id
                log.exception("request %s failed", who, extra={"request_id": who})
                if exchange.status:
                    raise
                await _fail(exchange, failure, ServiceError(f"the log has it under {who}"))
            finally:
                seconds = exchange.elapsed()
                name = exchange.model.name if exchange.model else ""
                self.metrics.answered(
                    operation,
                    name,
                    exchange.status,
                    seconds,
                    exchange.stages,
                    exchange.fault[0],
                    exchange.trace,
                    exchange.key,
                )
                _log(exchange, seconds, worst)

    def short_of_memory(self, error: Exception) -> ServiceError:
        """Return the error of a request for which there is no memory, and log what took it."""
        log.error("not enough memory: %s", str(error) or "none is left")
        return InsufficientMemory(retry_after=self.admission.wait())

    def refuse(self, failure: Failure, exchange: Exchange) -> Awaitable[None]:
        """Respond to a request that finds a full queue.

        Args:
            failure: How the error is written.
            exchange: The request.
        """
        full = self.admission.why_full(exchange.caller)
        exchange.fault = (Overloaded.code, full)
        return _send_error(exchange, refused(failure, full, self.admission.wait()))


def _fail(exchange: Exchange, failure: Failure, error: ServiceError) -> Awaitable[None]:
    exchange.fault = (error.code, str(error))  # not the error, whose traceback has the exchange
    return _send_error(exchange, failed(failure, error))


def _send_error(exchange: Exchange, response: Failed) -> Awaitable[None]:
    body = response.body
    return exchange.respond(response.status, body.media_type, response.headers, body.content)


def _log(exchange: Exchange, seconds: float, worst: int) -> None:
    """Log a request.

    Success, a full queue and what is quiet are logged at DEBUG, as there may be thousands a second
    and the metrics count them; client errors at INFO, those in a response that had begun too;
    server errors at the worst level.
    """
    is_well = exchange.status < 400 and exchange.fault is NO_FAULT
    is_many = is_well or exchange.status == 429 or exchange.is_quiet
    level = logging.DEBUG if is_many else logging.INFO
    level = worst if exchange.status >= 500 else level
    if log.isEnabledFor(level):
        fields = {
            "request_id": exchange.request_id,
            "method": exchange.scope["method"],
            "path": exchange.scope["path"],
            "status": exchange.status,
            "milliseconds": round(seconds * 1000, 3),
        }
        text = "%s %s %s %d in %s ms"
        if key := exchange.key:
            fields["key"] = key
            text += " with the key of %s"
        if exchange.fault is not NO_FAULT:
            fields |= zip(("code", "detail"), exchange.fault, strict=True)
            text += ": %s: %s"
        elif gone := exchange.gone:
            fields["detail"] = gone
            text += ": %s"
        extra = {**fields, "address": address_of(exchange.scope)}
        log.log(level, text, *fields.values(), extra=extra)
