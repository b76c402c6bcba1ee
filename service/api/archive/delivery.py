"""What is sent of several photographs: each in its turn, then a manifest of all of them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from service.api import streaming
from service.api.archive.container import Container, Member
from service.api.archive.source import Source
from service.api.codecs.codec import WARNING, Encoded
from service.api.request import Exchange, Header
from service.errors import ServiceError
from service.inference.model import Model


@dataclass(frozen=True, slots=True)
class Done:
    """A photograph that is encoded.

    Attributes:
        encoded: Its file.
        headers: What the headers of a response to it alone would say of it.
        width: In pixels.
        height: In pixels.
        sigma: The noise level that was removed from it, None if unknown.
    """

    encoded: Encoded
    headers: Sequence[Header]
    width: int
    height: int
    sigma: float | None


class Delivery:
    """Sends photographs in the order of their files, each once those before it are sent."""

    def __init__(
        self, exchange: Exchange, model: Model, container: Container, names: Sequence[str]
    ) -> None:
        """Send nothing yet: an error can still be the response.

        Args:
            exchange: The request.
            model: What the manifest says ran them.
            container: Writes the photographs.
            names: Those of the files, in their order.
        """
        self._exchange = exchange
        self._model = model
        self._container = container
        self._names = names
        self._manifest: list[dict[str, Any]] = []
        self._sent = [asyncio.Event() for _ in names]
        self._is_sending = False

    def can_end(self) -> bool:
        """Return whether end() can be called: not before the head, nor while something is sent."""
        return bool(self._exchange.status) and not self._is_sending

    async def send(self, index: int, source: Source, done: Done) -> None:
        """Send a photograph; return once the client has read most of it."""
        await self._turn(index)
        encoded = done.encoded
        member = Member(
            source.name, encoded.media_type, encoded.parts, source.modified, done.headers
        )
        name, pieces = await asyncio.to_thread(self._container.add, member)
        await streaming.send(self._exchange, *pieces)
        told: dict[str, Any] = {
            "source": source.name,
            "name": name,
            "status": 200,
            "media_type": encoded.media_type,
            "width": done.width,
            "height": done.height,
            "sigma": None if done.sigma is None else round(done.sigma, 2),
        }
        if warning := dict(done.headers).get(WARNING):
            told["warning"] = warning.decode()
        self._count(index, told)

    async def fail(self, index: int, error: ServiceError) -> None:
        """Send what is wrong with a photograph."""
        await self._turn(index)
        source = self._names[index]
        # No progress: otherwise, files that take long to fail would keep a request without end.
        await streaming.send(
            self._exchange, *self._container.fail(source, error), is_progress=False
        )
        told = {"status": error.status, "code": error.code, "title": error.title}
        self._count(index, {"source": source, **told, "detail": str(error)})

    async def end(self, stopped: ServiceError | None = None) -> None:
        """Send the end of the response, with an error for each photograph that is not sent."""
        for index in range(len(self._manifest), len(self._names)):
            assert stopped is not None
            await self.fail(index, stopped)
        self._is_sending = True
        document = {
            "model": self._model.name,
            "version": self._model.version,
            "photographs": self._manifest,
        }
        manifest = orjson.dumps(document, option=orjson.OPT_INDENT_2)
        await streaming.send(self._exchange, *self._container.end(manifest))
        await self._exchange.end()

    async def _turn(self, index: int) -> None:
        """Wait until it is a photograph's turn, and begin to send it."""
        if index:
            await self._sent[index - 1].wait()
        self._is_sending = True
        if not self._exchange.status:
            await self._exchange.start(200, self._container.media_type)

    def _count(self, index: int, told: dict[str, Any]) -> None:
        self._is_sending = False
        self._manifest.append(told)
        self._sent[index].set()
