"""The one pipeline of requests for a model: admit, read, decode, check, run, encode, respond.

An endpoint says which model and which codec serve a request; everything else is the same for all.
"""

import asyncio
import functools
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence

from starlette.types import Receive, Scope, Send

from service.api.body import Body
from service.api.codecs.codec import Array, Checked, Codec, Encoded, Inputs, Timed
from service.api.problems import Failure
from service.api.request import Exchange, Header
from service.api.routing import Limits, Serving
from service.errors import InvalidValue
from service.inference.model import Model
from service.inference.queue import Result
from service.inference.ticket import Ticket


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
        self, exchange: Exchange, codec: Codec, inputs: Inputs, _ticket: Ticket
    ) -> asyncio.Future[Result]:
        """Queue inputs that are checked."""
        return codec.batcher.submit(inputs.array, inputs.steps, caller=exchange.caller)

    def headers(self, _result: Timed) -> Sequence[Header]:
        return ()


class Responder(ABC):
    """What responds to a body by itself, in place of a codec."""

    @abstractmethod
    async def respond(self, exchange: Exchange, body: Body, ticket: Ticket, /) -> None:
        """Respond to a request. Raises as codecs and their runners do."""


class InThread(Responder):
    """A body that takes a thread to find out what its codec is.

    Attributes:
        codec_of: Finds it out.
    """

    def __init__(self, codec_of: Callable[[Body], Codec | Responder]) -> None:
        self.codec_of = codec_of

    async def respond(self, exchange: Exchange, body: Body, ticket: Ticket) -> None:
        codec = await asyncio.to_thread(self.codec_of, body)
        await respond(exchange, codec, body, ticket)


class Endpoint(ABC):
    """The ASGI application of requests for a model.

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
    async def _respond(self, exchange: Exchange, /) -> None:
        """Respond to a request. Raises ServiceError where that fails."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, receive, send)
        serving = self._serving
        respond: Callable[[Exchange], Awaitable[None]] = self._respond
        # There may be thousands to refuse a second: they must not take the time of those admitted.
        if serving.admission.is_full(exchange.caller):
            respond = functools.partial(serving.refuse, self.failure)
        await serving.handle(exchange, self.label(exchange), respond, self.failure)


class BodyEndpoint(Endpoint):
    """One that receives the whole body of a request, then responds."""

    @abstractmethod
    def prepare(self, exchange: Exchange) -> Callable[[Body], Codec | Responder]:
        """Parse what a request's head asks for; return what chooses the codec of its body."""

    async def _respond(self, exchange: Exchange) -> None:
        codec_of = self.prepare(exchange)
        limit = self._serving.limits.body_bytes
        with self._serving.admission.receive(exchange.length(limit), exchange.caller) as ticket:
            body = await exchange.body(limit, ticket)
            await respond(exchange, codec_of(body), body, ticket)


async def respond(exchange: Exchange, codec: Codec | Responder, body: Body, ticket: Ticket) -> None:
    """Respond to a body that has been received.

    Args:
        exchange: The request.
        codec: The codec of the body, or what responds to it by itself.
        body: The body.
        ticket: Counts what the request takes.
    """
    if isinstance(codec, Responder):
        await codec.respond(exchange, body, ticket)
        return
    started = time.perf_counter()
    checked = await decode(exchange, codec, body, ticket)
    decoded = time.perf_counter()
    result = await exchange.outcome(codec.runner.submit(exchange, codec, checked.inputs, ticket))
    counted = checked.size
    del checked  # of a photograph, hundreds of megabytes
    ran = time.perf_counter()
    encoded = await encode(codec, result.output)
    exchange.starts = (started, decoded, decoded + result.queue, ran)
    exchange.stages = stages(started, decoded, ran, result)
    headers = (*codec.runner.headers(result), *encoded.headers, _timing(exchange.stages))
    del codec, result, body  # the client may take its time
    ticket.write(max(0, sum(map(len, encoded.parts)) - counted))
    await exchange.respond(200, encoded.media_type, headers, *encoded.parts)


async def decode(exchange: Exchange, codec: Codec, body: Body, ticket: Ticket) -> Checked:
    """Return the inputs of a body, checked, and counted on a ticket."""
    if codec.declared:  # whose pixels are admitted before any of them is decoded
        declared = await asyncio.to_thread(codec.declared, body)
        await ticket.make_room(declared.pixels, declared.seconds)
        await exchange.take_pixels(declared.pixels)
        exchange.items = declared.pictures
    inputs = codec.decode_now(body)
    if inputs is None:
        checked = await asyncio.to_thread(lambda: codec.runner.check(codec, codec.decode(body)))
    else:
        checked = codec.runner.check(codec, inputs)
    if checked.pixels:
        await exchange.take_pixels(checked.pixels)
    exchange.items = len(checked.inputs.array)
    ticket.grow(
        items=checked.items - 1,
        size=checked.size,
        pixels=checked.pixels,
        seconds=checked.seconds,
    )
    return checked


async def encode(codec: Codec, outputs: Array) -> Encoded:
    """Return outputs as a response, written in a thread where that takes long."""
    if codec.encodes_now(outputs):
        return codec.encode(outputs)
    return await asyncio.to_thread(codec.encode, outputs)


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


def stages(started: float, decoded: float, ran: float, result: Timed) -> dict[str, float]:
    """Return the seconds of each stage of what has just been encoded.

    Args:
        started: The time.perf_counter() at which decoding began.
        decoded: That at which it ended.
        ran: That at which the outputs were there.
        result: Says how long the inputs waited and ran.
    """
    return {
        "parse": decoded - started,
        "queue": result.queue,
        "inference": result.inference,
        "write": time.perf_counter() - ran,
    }


def _timing(stages: Mapping[str, float]) -> Header:
    """Return Server-Timing, in milliseconds."""
    # The % operator is the quickest of Python's ways to write numbers.
    text = b"parse;dur=%.3f, queue;dur=%.3f, inference;dur=%.3f, write;dur=%.3f"
    return b"server-timing", text % tuple(1000 * each for each in stages.values())
