"""What every request for a model goes through, whatever protocol it speaks."""

import asyncio
import functools
import logging
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

from service.api.request import Exchange, Header
from service.errors import (
    BodyTooLarge,
    InvalidValue,
    Overloaded,
    ServiceError,
    ShuttingDown,
    StartupError,
)
from service.inference.admission import Admission
from service.inference.model import Model
from service.inference.pixels import Floats
from service.inference.registry import Store
from service.manifest import OperationName
from service.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from service.telemetry.tracing import Tracer  # which needs the extra `otel`

CLIENT_GONE = 499
"""What is counted where the client went before it was answered, by nginx's custom."""

log = logging.getLogger("service.requests")

Failure = Callable[[int, str, str, str], tuple[str, bytes]]
"""(status, code, title, detail) -> the media type and the body of an error."""


@dataclass(frozen=True)
class Limits:
    """The most that a request may ask for: bytes of its body and of the output, pixels, steps."""

    body_bytes: int
    output_bytes: int
    pixels: int
    steps: int

    def check_output(self, shape: tuple[int, ...]) -> int:
        """Return the bytes of an output of a shape, as float32. Raises BodyTooLarge."""
        size = 4 * math.prod(shape)
        if size > self.output_bytes:
            raise BodyTooLarge(
                f"outputs: expected at most {self.output_bytes} bytes of float32, "
                f"received a request for {size}, of shape {shape}"
            )
        return size


@dataclass(frozen=True)
class Serving:
    """The models, the bounds, and who counts: one of each in a service.

    timeout: seconds from the request's head in which it is answered, or fails; tracer: None where
    nothing is traced.
    """

    store: Store
    admission: Admission
    metrics: Metrics
    limits: Limits
    timeout: float
    tracer: "Tracer | None" = None

    async def handle(
        self,
        exchange: Exchange,
        operation: str,
        answer: Callable[[Exchange], Awaitable[None]],
        failure: Failure,
        *,
        queued: bool = True,
    ) -> None:
        """Answer a request, whatever happens; count it, log it, and trace it if that is wanted.

        queued: whether it takes a place in the queue, and is refused where there is none.
        """
        exchange.seconds = self.timeout
        if queued and self.admission.is_full():
            # There may be thousands a second, which must not take the time of those inside.
            answer = self._refuse(failure)
        if self.tracer is None:
            await self._handle(exchange, operation, answer, failure)
        else:
            with self.tracer.request(operation, exchange):
                await self._handle(exchange, operation, answer, failure)

    def _refuse(self, failure: Failure) -> Callable[[Exchange], Awaitable[None]]:
        told = self.admission.full
        refusal = _refusal(failure, told, self.admission.wait())

        def refuse(exchange: Exchange) -> Awaitable[None]:
            exchange.fault = (Overloaded.code, told)
            return exchange.answer(*refusal)

        return refuse

    async def _handle(
        self,
        exchange: Exchange,
        operation: str,
        answer: Callable[[Exchange], Awaitable[None]],
        failure: Failure,
    ) -> None:
        worst = logging.ERROR
        try:
            await answer(exchange)
        except ServiceError as error:
            if isinstance(error, StartupError):  # a model that the client asked to be loaded
                worst = logging.WARNING
            await _fail(exchange, failure, error)
        except ClientDisconnect:
            exchange.status = CLIENT_GONE
        except asyncio.CancelledError:  # the server's last word to those it waits for no longer
            if exchange.status:
                raise
            stopped = ShuttingDown("expected an answer before the service stops, received none")
            await _fail(exchange, failure, stopped)
        except Exception:
            who = exchange.request_id
            log.exception("request %s failed", who, extra={"request_id": who})
            if exchange.status:
                raise
            await _fail(exchange, failure, ServiceError(f"the log has it under {who}"))
        finally:
            seconds = exchange.elapsed()
            name = exchange.model.name if exchange.model else ""
            self.metrics.answered(operation, name, exchange.status, seconds, exchange.stages)
            exchange.log(seconds, worst)

    def hung(self) -> str:
        """Return which batch has run for longer than requests may take twice, or ""."""
        limit = max(60.0, 2 * self.timeout)
        for model in self.store:
            for operation, batcher in model.batchers.items():
                if batcher.busy_for() > limit:
                    return (
                        f"{operation} of {model.name}: expected a batch to end within {limit:g} s, "
                        f"received none for {batcher.busy_for():.0f} s"
                    )
        return ""

    def check(
        self,
        model: Model,
        operation: OperationName,
        inputs: Floats,
        steps: int | None,
        *,
        known_finite: bool = False,
    ) -> int:
        """Raise unless an operation can run on inputs; return the bytes of what it will give.

        As Model.check, and InvalidValue and BodyTooLarge for what is beyond the limits: a small
        body may ask for a large answer, codings being shorter than what they stand for.
        """
        shape = model.check(operation, inputs, steps, known_finite=known_finite)
        taken = model.input(operation).shape
        asked = steps or (inputs.shape[taken.index("steps")] if "steps" in taken else 0)
        if asked > self.limits.steps:
            raise InvalidValue(f"steps: expected at most {self.limits.steps}, received {asked}")
        return self.limits.check_output(shape)


async def _fail(exchange: Exchange, failure: Failure, error: ServiceError) -> None:
    exchange.fault = (error.code, str(error))  # not the error, whose traceback has the exchange
    await exchange.answer(*_failed(failure, error))


def _failed(failure: Failure, error: ServiceError) -> tuple[int, str, list[Header], bytes]:
    kind, body = failure(error.status, error.code, error.title, str(error))
    headers = [(each.encode(), value.encode()) for each, value in error.headers.items()]
    return error.status, kind, headers, body


@functools.lru_cache(256)
def _refusal(failure: Failure, told: str, wait: int) -> tuple[int, str, list[Header], bytes]:
    return _failed(failure, Overloaded(told, retry_after=wait))
