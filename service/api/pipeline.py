"""The one pipeline of requests for a model: admit, read, decode, check, run, encode, respond.

An endpoint says which model and which codec serve a request; everything else is the same for all.
"""

import asyncio
import contextlib
import functools
import logging
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from service.api.body import Body
from service.api.codecs.codec import Checked, Codec, Inputs, Timed
from service.api.problems import Failed, Failure, failed, refused
from service.api.request import Exchange, Header
from service.errors import (
    BodyTooLarge,
    DeadlineExceeded,
    InvalidValue,
    Overloaded,
    ServiceError,
    ShuttingDown,
    StartupError,
)
from service.inference.admission import Admission, Ticket
from service.inference.model import Model
from service.inference.queue import Result
from service.inference.registry import ModelRegistry
from service.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from service.telemetry.tracing import Tracer  # which needs the extra `otel`

CLIENT_GONE = 499
"""The status that is counted where the client disconnects before its response: nginx's custom."""

UNTRACED = contextlib.nullcontext()

log = logging.getLogger("service.requests")


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
    """What every request for a model needs: one of each in a service.

    Args:
        registry: The models.
        admission: How much may be in the service at once.
        metrics: Counts requests.
        limits: What a single request may ask for.
        timeout: Seconds from the request's head until the response has to be there.
        tracer: Traces requests; None where tracing is off.
    """

    registry: ModelRegistry
    admission: Admission
    metrics: Metrics
    limits: Limits
    timeout: float
    tracer: "Tracer | None" = None

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


class Batches:
    """Runs inputs of one size: those of several requests share a batch."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def check(self, codec: Codec, inputs: Inputs) -> Checked:
        """Return inputs that can run: a small body may ask for a large output, of many steps."""
        batcher, array, steps = codec.batcher, inputs.array, inputs.steps
        shape = batcher.session.check(array, steps, known_finite=inputs.known_finite)
        taken = batcher.session.operation.input.shape
        wanted = steps or (array.shape[taken.index("steps")] if "steps" in taken else 0)
        if wanted > self._limits.steps:
            raise InvalidValue(f"steps: expected at most {self._limits.steps}, received {wanted}")
        size = self._limits.check_output(shape)
        codec.negotiate(len(array))
        seconds = batcher.seconds(array.size, steps)
        return Checked(inputs, len(array), size + inputs.copied, seconds)

    def submit(
        self, _exchange: Exchange, codec: Codec, inputs: Inputs, _ticket: Ticket
    ) -> asyncio.Future[Result]:
        """Queue inputs that are checked."""
        return codec.batcher.submit(inputs.array, inputs.steps)


class Endpoint(ABC):
    """The ASGI application of an operation of models.

    Attributes:
        failure: How its errors are written.
    """

    failure: Failure

    def __init__(self, serving: Serving) -> None:
        self._serving = serving

    @abstractmethod
    def label(self, exchange: Exchange, /) -> str:
        """Return the operation that a request is counted as."""

    @abstractmethod
    def prepare(self, exchange: Exchange) -> Callable[[Body], Codec]:
        """Parse what a request's head asks for; return what chooses the codec of its body."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, receive, send)
        # There may be thousands to refuse a second: they must not take the time of those admitted.
        respond = self._refuse if self._serving.admission.is_full() else self._respond
        await self._serving.handle(exchange, self.label(exchange), respond, self.failure)

    def _refuse(self, exchange: Exchange) -> Awaitable[None]:
        admission = self._serving.admission
        exchange.fault = (Overloaded.code, admission.full)
        refusal = refused(self.failure, admission.full, admission.wait())
        return _send_error(exchange, refusal)

    async def _respond(self, exchange: Exchange) -> None:
        codec_of = self.prepare(exchange)
        limit = self._serving.limits.body_bytes
        with self._serving.admission.admit(exchange.length(limit)) as ticket:
            body = await exchange.body(limit, ticket)
            codec = codec_of(body)
            started = time.perf_counter()
            checked = await _decode(exchange, codec, body, ticket)
            decoded = time.perf_counter()
            result = await exchange.outcome(
                codec.runner.submit(exchange, codec, checked.inputs, ticket)
            )
            del checked  # of a photograph, hundreds of megabytes
            ran = time.perf_counter()
            if codec.encodes_now(result.output):
                encoded = codec.encode(result.output)
            else:
                encoded = await asyncio.to_thread(codec.encode, result.output)
            timing = _timing(exchange, started, decoded, ran, result)
            await exchange.respond(
                200, encoded.media_type, (*encoded.headers, timing), *encoded.parts
            )


async def _decode(exchange: Exchange, codec: Codec, body: Body, ticket: Ticket) -> Checked:
    """Return the inputs of a body, checked, and counted on a ticket."""
    if codec.declared:  # whose pixels are admitted before any of them is decoded
        declared = await asyncio.to_thread(codec.declared, body)
        seconds = codec.batcher.seconds(3 * declared.pixels)
        ticket.grow(pixels=declared.pixels, seconds=seconds)
        exchange.items = declared.pictures
    inputs = codec.decode_now(body)
    if inputs is None:
        checked = await asyncio.to_thread(lambda: codec.runner.check(codec, codec.decode(body)))
    else:
        checked = codec.runner.check(codec, inputs)
    exchange.items = len(checked.inputs.array)
    ticket.grow(
        items=checked.items - 1,
        size=checked.size,
        pixels=checked.pixels,
        seconds=checked.seconds,
    )
    return checked


def name_model(exchange: Exchange, model: Model) -> None:
    """Let the response, an error too, say which model handles a request, and on what it runs."""
    exchange.model = model
    exchange.headers = _model_headers(model.name, model.version, model.provider)


@functools.lru_cache(256)
def _model_headers(name: str, version: int, provider: str) -> tuple[Header, ...]:
    return (
        (b"x-model", name.encode()),
        (b"x-model-version", b"%d" % version),
        (b"x-execution-provider", provider.encode()),
    )


def _timing(
    exchange: Exchange, started: float, decoded: float, ran: float, result: Timed
) -> Header:
    """Return Server-Timing, in milliseconds, for a response that has just been encoded.

    The exchange then has the stages, for metrics and traces.

    Args:
        exchange: The request.
        started: The time.perf_counter() at which decoding began.
        decoded: That at which it ended.
        ran: That at which the outputs were there.
        result: Says how long the inputs waited and ran.
    """
    exchange.starts = (started, decoded, decoded + result.queue, ran)
    stages = exchange.stages = {
        "parse": decoded - started,
        "queue": result.queue,
        "inference": result.inference,
        "write": time.perf_counter() - ran,
    }
    # The % operator is the quickest of Python's ways to write numbers.
    text = b"parse;dur=%.3f, queue;dur=%.3f, inference;dur=%.3f, write;dur=%.3f"
    return b"server-timing", text % tuple(1000 * each for each in stages.values())


def _send_error(exchange: Exchange, response: Failed) -> Awaitable[None]:
    body = response.body
    return exchange.respond(response.status, body.media_type, response.headers, body.content)


def _fail(exchange: Exchange, failure: Failure, error: ServiceError) -> Awaitable[None]:
    exchange.fault = (error.code, str(error))  # not the error, whose traceback has the exchange
    return _send_error(exchange, failed(failure, error))
