"""The response to several photographs: each runs as it would alone, and is sent once it is done.

While one is denoised, the next is decoded, or the one before is written and sent. So two are in
memory at most, however many there are and however slowly the client reads.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from service.api import pipeline
from service.api.archive.container import Container, chosen
from service.api.archive.declared import FileCodec, declared_pixels
from service.api.archive.delivery import Delivery, Done
from service.api.archive.mixed_writer import MixedWriter
from service.api.archive.source import Source
from service.api.archive.zip_writer import ZipWriter
from service.api.body import Body
from service.api.media_types import MIXED, ZIP
from service.api.request import Exchange
from service.errors import (
    BodyTooLarge,
    DeadlineExceeded,
    InsufficientMemory,
    InvalidValue,
    Overloaded,
    QuotaExceeded,
    ServiceError,
    ShuttingDown,
    is_shortage,
)
from service.inference.model import Model
from service.inference.ticket import Ticket
from service.inference.tiling.denoise import Denoised

MAX_LOADED = 2
"""Photographs in memory: one is denoised while another is decoded, or written and sent."""

WRITERS: Mapping[str, Callable[[], Container]] = {ZIP: ZipWriter, MIXED: MixedWriter}

log = logging.getLogger("service.requests")


CodecOf = Callable[[], FileCodec]
"""Makes the codec of one photograph."""


class Archive(pipeline.Responder):
    """Responds to several photographs with a container of photographs and a manifest."""

    def __init__(
        self, model: Model, sources: Sequence[Source], codec_of: CodecOf, container: Container
    ) -> None:
        """Prepare the response.

        Args:
            model: What runs the photographs.
            sources: Their files.
            codec_of: Makes the codec of each.
            container: What they are written to.
        """
        self._model = model
        self._sources = deque(sources)
        self._codec_of = codec_of
        self._container = container

    def pixels(self, most: int, is_late: Callable[[], bool]) -> int:
        """Return the pixels that photographs declare, without a response.

        Args:
            most: After more of them, the other photographs are not looked at.
            is_late: Whether to give up, which is asked for each photograph.

        Raises:
            DeadlineExceeded: It is late.
        """
        total = 0
        for source in self._sources:
            if total > most:
                break
            total += declared_pixels(source, self._codec_of, is_late)
        return total

    async def respond(self, exchange: Exchange, _body: Body, ticket: Ticket) -> None:
        """Respond; a photograph that fails is no reason for others to.

        Once some have been sent, what ends the request early (its deadline, a shutdown) ends the
        container too: the manifest says which photographs are not in it.
        """
        names = [source.name for source in self._sources]
        delivery = Delivery(exchange, self._model, self._container, names)
        run = _Run(self._sources, self._codec_of, delivery, exchange, ticket)
        ticket.expect(len(names))
        task = asyncio.create_task(run.all())
        stopped: ServiceError
        try:
            await exchange.outcome(task)
        except DeadlineExceeded as error:
            if not exchange.status:
                raise
            if not delivery.can_end():
                await exchange.drop()
            stopped = error
        except asyncio.CancelledError:
            if not delivery.can_end():
                raise
            stopped = ShuttingDown("expected a photograph before the service stops, received none")
        else:
            return
        await delivery.end(stopped)


def archive(
    model: Model, sources: Sequence[Source], codec_of: CodecOf, accept: str, most: int
) -> Archive:
    """Return what responds to several photographs.

    Args:
        model: What runs them.
        sources: Their files.
        codec_of: Makes the codec of each.
        accept: The Accept header, which chooses the container.
        most: How many there may be.

    Raises:
        NotAcceptable: The client accepts no container.
        InvalidValue: There are none.
        BodyTooLarge: There are too many.
    """
    writer = WRITERS[chosen(accept)]()
    if not sources:
        raise InvalidValue("body: expected a photograph at least, received an archive without one")
    if len(sources) > most:
        raise BodyTooLarge(
            f"body: expected at most {most} photographs (SERVICE_MAX_PHOTOGRAPHS), "
            f"received {len(sources)}"
        )
    return Archive(model, sources, codec_of, writer)


class _Run:
    def __init__(
        self,
        sources: deque[Source],
        codec_of: CodecOf,
        delivery: Delivery,
        exchange: Exchange,
        ticket: Ticket,
    ) -> None:
        self._sources = sources
        self._count = len(sources)
        self._codec_of = codec_of
        self._delivery = delivery
        self._exchange = exchange
        self._ticket = ticket
        self._decoding, self._turn = asyncio.Lock(), asyncio.Lock()
        self._is_admitted = False
        self._stages: dict[str, float] = {}

    async def all(self) -> None:
        """Send all photographs, then what ends the response."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(MAX_LOADED):
                    group.create_task(self._work())
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        exchange = self._exchange
        exchange.items = self._count
        exchange.stages = self._stages
        exchange.starts = [exchange.began] * len(self._stages)
        await self._delivery.end()

    async def _work(self) -> None:
        while self._sources:
            index = self._count - len(self._sources)
            source = self._sources.popleft()
            try:
                done = await self._one(source)
            except ServiceError as error:
                is_first = not (self._is_admitted or self._exchange.status)
                if is_first and isinstance(error, Overloaded | QuotaExceeded):
                    raise  # nothing has been done: the client had better send it all again
                await self._delivery.fail(index, error)
            else:
                with self._ticket.part(waits=True) as part:
                    part.grow(size=sum(map(len, done.encoded.parts)))
                    await self._delivery.send(index, source, done)
                    del done

    async def _one(self, source: Source) -> Done:
        """Return a photograph, denoised and encoded.

        Raises:
            ServiceError: There is none.
        """
        exchange = self._exchange
        try:
            # One after the other, in their order: a later one takes no room from an earlier one
            # that it is sent after.
            await self._decoding.acquire()
            waits = self._is_admitted or bool(exchange.status)
            with self._ticket.part(waits=waits) as part:
                try:
                    started = time.perf_counter()
                    content = await asyncio.to_thread(source.read)
                    part.grow(size=len(content))
                    codec = self._codec_of()
                    codec.files = [content]
                    checked = await pipeline.decode(exchange, codec, content, part)
                    self._is_admitted = True
                finally:
                    self._decoding.release()
                del content
                decoded = time.perf_counter()
                # One after the other: two at once would end at once, and the session would be idle
                # while both are written.
                async with self._turn:
                    result = await codec.runner.submit(exchange, codec, checked.inputs, part)
                del checked
                ran = time.perf_counter()
                encoded = await pipeline.encode(codec, result.output)
                for stage, seconds in pipeline.stages(started, decoded, ran, result).items():
                    self._stages[stage] = self._stages.get(stage, 0.0) + seconds
                _, height, width, *_ = result.output.shape
                noise = result.noise if isinstance(result, Denoised) else ()
                headers = (*codec.runner.headers(result), *encoded.headers)
                return Done(encoded, headers, width, height, noise[0].sigma if noise else None)
        except ServiceError:
            raise
        except Exception as error:
            if is_shortage(error):
                log.error("not enough memory: %s", str(error) or "none is left")
                raise InsufficientMemory(retry_after=1) from error
            who = exchange.request_id
            log.exception("request %s failed", who, extra={"request_id": who})
            raise ServiceError(f"the log has it under {who}") from error
