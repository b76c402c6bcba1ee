"""POST /encode, /decode, /denoise and the others: which model and which codec a request gets."""

import functools
from collections.abc import Callable, Mapping

from service.api import query
from service.api.archive import container, respond, source, zip_reader
from service.api.body import Body
from service.api.caching import BoundedCache
from service.api.codecs import multipart
from service.api.codecs.batch import BatchCodec
from service.api.codecs.codec import Codec
from service.api.codecs.neighbours import NeighboursCodec
from service.api.codecs.score import ScoreCodec
from service.api.media_types import (
    ARRAYS,
    CONTENT_TYPES,
    MULTIPART,
    ROWS,
    ZIP,
    MediaType,
    detect,
    readable,
)
from service.api.openapi_operations import OPERATIONS, describe
from service.api.pipeline import Batches, BodyEndpoint, InThread, Responder, name_model
from service.api.problems import problem
from service.api.query import Choice
from service.api.request import Exchange
from service.api.routing import DirectRoute, Serving
from service.api.searches import Searches
from service.errors import InvalidValue, UnsupportedMediaType
from service.inference.model import Model
from service.inference.reconstruction import run_by
from service.inference.registry import Defaults, Found
from service.manifest import OperationName

CodecOf = Callable[[Model, MediaType, str, Choice], BatchCodec]
"""(model, media type of the body, Accept header, query) -> the codec of a request."""


CODECS: Mapping[OperationName, type[BatchCodec]] = {
    "score": ScoreCodec,
    "neighbours": NeighboursCodec,
}
"""Codecs of responses that are other than outputs."""


Endpoints = Mapping[OperationName, "Operation"]
"""The endpoint of each operation."""


def routes(endpoints: Endpoints) -> list[DirectRoute]:
    """Return the routes of the operations, by their endpoints."""
    return [
        DirectRoute(
            f"/{operation}",
            documented,
            endpoints[operation],
            tags=["operations"],
            **describe(operation),
        )
        for operation, documented in OPERATIONS.items()
    ]


class Operation(BodyEndpoint):
    """The endpoint of one operation.

    It needs the models where a request names none, and what returns the codec of a request for
    photographs, by operation.
    """

    failure = staticmethod(problem)

    def __init__(
        self,
        operation: OperationName,
        serving: Serving,
        defaults: Defaults,
        photographs: Mapping[OperationName, CodecOf],
    ) -> None:
        super().__init__(serving)
        self._operation: OperationName = operation
        self._run: OperationName = run_by(operation)
        self._defaults = defaults
        self._readable = readable(operation)
        self._choices = BoundedCache(
            functools.partial(query.parse, kind=query.KINDS[operation]), 1024
        )
        kind = Searches if operation == "neighbours" else Batches
        self._batches = kind(serving.limits)
        self._photographs = photographs

    def label(self, _exchange: Exchange) -> str:
        return self._operation

    def prepare(self, exchange: Exchange) -> Callable[[Body], Codec | Responder]:
        choice = self._choices[exchange.scope["query_string"]]
        found = self._find(exchange, choice) if choice.model else None
        return functools.partial(self._codec, exchange, choice, found)

    def _find(self, exchange: Exchange, choice: Choice, *, is_array: bool = True) -> Found:
        """Return the model: the one that is named, or the default of arrays or of pictures."""
        known = self._serving.registry.found
        asked = (self._run, choice.model, choice.version, is_array)
        found = known.get(asked)
        if found is None:
            found = known[asked] = self._look_up(choice, is_array=is_array)
        name_model(exchange, found.model)
        return found

    def _look_up(self, choice: Choice, *, is_array: bool) -> Found:
        registry, name, lacks = self._serving.registry, choice.model, None
        if name is None:
            find = self._defaults.of_arrays if is_array else self._defaults.of_pictures
            default = find(self._run, registry)
            name, lacks = default.name, default.lacks
        return Found(registry.get_for(self._run, name, choice.version), lacks)

    def _codec(
        self, exchange: Exchange, choice: Choice, found: Found | None, body: Body
    ) -> Codec | Responder:
        content_type = exchange.header(b"content-type")
        media = CONTENT_TYPES[content_type]
        if not body or media.name not in self._readable:
            media = detect(body, content_type, self._readable)
        if media.name in (MULTIPART, ZIP):
            return InThread(functools.partial(self._of_several, exchange, choice, found, media))
        found = found or self._find(exchange, choice, is_array=media.name in ARRAYS)
        return self._codec_by(found, media, exchange.header(b"accept"), choice)

    def _of_several(
        self, exchange: Exchange, choice: Choice, found: Found | None, media: MediaType, body: Body
    ) -> Codec | Responder:
        """Return the codec of a form, or what responds to photographs of any sizes."""
        accept, limits = exchange.header(b"accept"), self._serving.limits
        is_archive = media.name == ZIP
        if is_archive:
            sources = zip_reader.sources(body, limits.body_bytes)
        else:
            form = multipart.read(body, media.boundary)
            is_archive = self._operation == "denoise" and container.asked_for(accept)
            if form.fields:
                kind = query.KINDS[self._operation]
                choice = query.parse(exchange.scope["query_string"], kind, form.fields)
                found = self._find(exchange, choice) if choice.model else None
            sources = source.of_form(form)
        found = found or self._find(exchange, choice, is_array=False)
        if is_archive:
            accept, accepted = container.of_photographs(accept), accept
        codec_of = functools.partial(self._codec_by, found, media, accept, choice)
        codec = codec_of()  # refuses parameters that are wrong for all of them
        if not is_archive:
            codec.files = [file.content for file in form.files]
            return codec
        return respond.archive(found.model, sources, codec_of, accepted, limits.photographs)

    def _codec_by(self, found: Found, media: MediaType, accept: str, choice: Choice) -> BatchCodec:
        model = found.model
        if self._operation in model.of_photographs:
            return self._photographs[self._operation](model, media, accept, choice)
        if choice.of_photographs:
            raise InvalidValue(
                f"{', '.join(choice.of_photographs)}: expected none with a model of images of one "
                f"size, received some with {model.name}"
            )
        if media.name in ROWS and model.manifest.rows is None:
            raise UnsupportedMediaType(
                f"body: expected images for {model.name}, received rows ({media.name})"
            )
        limits = self._serving.limits
        return CODECS.get(self._operation, BatchCodec)(
            self._batches, model, self._operation, media, accept, choice, limits, found.lacks
        )
