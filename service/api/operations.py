"""POST /encode, /decode, /denoise and /estimate, and the codec of arrays and thumbnails."""

import functools
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from service.api import query
from service.api.archive import container, respond, source, zip_reader
from service.api.body import Body
from service.api.caching import BoundedCache
from service.api.codecs import image, json, json_pieces, multipart, npy
from service.api.codecs.codec import Array, Codec, Declared, Encoded, Inputs, Runner
from service.api.media_types import (
    ARRAYS,
    CONTENT_TYPES,
    JSON,
    MULTIPART,
    NPY,
    ZIP,
    MediaType,
    detect,
    readable,
    responses,
)
from service.api.openapi import OPERATIONS, describe
from service.api.pipeline import Batches, Endpoint, InThread, Responder, name_model
from service.api.problems import problem
from service.api.query import Choice
from service.api.request import Exchange
from service.api.routing import DirectRoute, Limits, Serving
from service.errors import BodyTooLarge, InvalidValue, ShapeMismatch
from service.images.fit import Frame
from service.inference.model import Model
from service.inference.pixels import LARGEST, Floats, to_floats, to_pixels
from service.inference.registry import Defaults
from service.manifest import OperationName

# Bytes that are decoded, and numbers that are encoded, in 0.2 ms: less than a thread costs.
SHORT_BODY = {JSON: 48 * 1024, NPY: 1024 * 1024}
SHORT_OUTPUT = {JSON: 8 * 1024, NPY: 4 * 1024 * 1024}
SHORT_PIXELS = 100_000  # numbers that are rounded to pixels
LARGEST_JSON = 64 * 1024 * 1024
"""Bytes of JSON: its numbers take ten times as much memory until they are an array."""


CodecOf = Callable[[Model, MediaType, str, Choice], "BatchCodec"]
"""(model, media type of the body, Accept header, query) -> the codec of a request."""


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


class Operation(Endpoint):
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
        self._defaults = defaults
        self._readable = readable(operation)
        self._choices = BoundedCache(
            functools.partial(query.parse, kind=query.KINDS[operation]), 1024
        )
        self._batches = Batches(serving.limits)
        self._photographs = photographs

    def label(self, _exchange: Exchange) -> str:
        return self._operation

    def prepare(self, exchange: Exchange) -> Callable[[Body], Codec | Responder]:
        choice = self._choices[exchange.scope["query_string"]]
        model = self._find(exchange, choice.model, choice.version) if choice.model else None
        return functools.partial(self._codec, exchange, choice, model)

    def _find(self, exchange: Exchange, name: str, version: int | None) -> Model:
        model = self._serving.registry.get_for(self._operation, name, version)
        name_model(exchange, model)
        return model

    def _codec(
        self, exchange: Exchange, choice: Choice, model: Model | None, body: Body
    ) -> Codec | Responder:
        content_type = exchange.header(b"content-type")
        media = CONTENT_TYPES[content_type]
        if not body or media.name not in self._readable:
            media = detect(body, content_type, self._readable)
        if media.name in (MULTIPART, ZIP):
            return InThread(functools.partial(self._of_several, exchange, choice, model, media))
        model, lacks = self._chosen(exchange, choice, model, media)
        return self._codec_by(model, lacks, media, exchange.header(b"accept"), choice)

    def _of_several(
        self, exchange: Exchange, choice: Choice, model: Model | None, media: MediaType, body: Body
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
                model = self._find(exchange, choice.model, choice.version) if choice.model else None
            sources = source.of_form(form)
        model, lacks = self._chosen(exchange, choice, model, media)
        if is_archive:
            accept, accepted = container.of_photographs(accept), accept
        codec_of = functools.partial(self._codec_by, model, lacks, media, accept, choice)
        codec = codec_of()  # refuses parameters that are wrong for all of them
        if not is_archive:
            codec.files = [file.content for file in form.files]
            return codec
        return respond.archive(model, sources, codec_of, accepted, limits.photographs)

    def _chosen(
        self, exchange: Exchange, choice: Choice, model: Model | None, media: MediaType
    ) -> tuple[Model, str | None]:
        """Return the model, the default where none is named, and what that lacks."""
        if model is not None:
            return model, None
        is_array = media.name in ARRAYS
        find = self._defaults.of_arrays if is_array else self._defaults.of_pictures
        default = find(self._operation, self._serving.registry)
        return self._find(exchange, default.name, choice.version), default.lacks

    def _codec_by(
        self, model: Model, lacks: str | None, media: MediaType, accept: str, choice: Choice
    ) -> "BatchCodec":
        if self._operation in model.of_photographs:
            return self._photographs[self._operation](model, media, accept, choice)
        if choice.of_photographs:
            raise InvalidValue(
                f"{', '.join(choice.of_photographs)}: expected none with a model of images of one "
                f"size, received some with {model.name}"
            )
        limits = self._serving.limits
        codec = BatchCodec(self._batches, model, self._operation, media, accept, choice, limits)
        codec.lacks = lacks
        return codec


class BatchCodec:
    """The codec of arrays, and of pictures of the size that a model takes.

    Attributes:
        answer: The media type of the response, once it is negotiated.
        files: The files of a form; none where the body is the only one.
        keeps_pixels: Whether uint8 arrays stay pixels: those of photographs, until their tile runs.
        lacks: Where the model stands in for one of photographs, which of these is missing, as a
            clause; None otherwise. It then takes pictures of its own size alone: no client means to
            get a photograph back as a thumbnail.
    """

    declared: Callable[[Body], Declared] | None = None
    keeps_pixels = False
    lacks: str | None = None

    def __init__(
        self,
        runner: Runner,
        model: Model,
        operation: OperationName,
        media: MediaType,
        accept: str,
        choice: Choice,
        limits: Limits,
    ) -> None:
        self.runner = runner
        self.model = model
        self.batcher = model.batchers[operation]
        self.operation: OperationName = operation
        self.media = media
        self.accept = accept
        self.choice = choice
        self.limits = limits
        self.answer = ""
        self.files: Sequence[Body] = ()
        self._best = media.name if media.name in ARRAYS else ""
        self._as_pixels = False

    def decode_now(self, body: Body) -> Inputs | None:
        name = self.media.name
        if len(body) > SHORT_BODY.get(name, 0):
            return None
        if name == NPY:
            return self._from_npy(body)
        array = json.decode_now(bytes(body))
        return None if array is None else self.inputs_of(array, copied=array.nbytes)

    def decode(self, body: Body) -> Inputs:
        name = self.media.name
        if name == NPY:
            return self._from_npy(body)
        if name == JSON:
            if len(body) > LARGEST_JSON:
                raise BodyTooLarge(
                    f"body: expected at most {LARGEST_JSON} bytes of JSON, received {len(body)}; "
                    f"as {NPY}, arrays may be as large as any body"
                )
            array = json_pieces.decode(bytes(body))
            return self.inputs_of(array, copied=array.nbytes + len(body))
        files = self.files or [body]
        fit = self.choice.fit and self.lacks is None
        try:
            limits = self.limits
            pixels = image.read(
                files, self._frame(), fit=fit, max_pixels=limits.pixels, policy=limits.policy
            )
        except ShapeMismatch as error:
            if self.lacks is None:
                raise
            fault = str(error).partition(";")[0]  # without the advice to fit the picture
            raise ShapeMismatch(f"{fault}; {self.lacks}") from error
        self._best = "image/png" if len(pixels) == 1 else JSON
        array = to_floats(pixels, self.model.manifest.pixels)
        return self.inputs_of(array, copied=array.nbytes)

    def negotiate(self, count: int) -> None:
        self.answer = responses(self.operation, self._best, single=count == 1)[self.accept]

    def has_floats(self) -> bool:
        return self.answer == JSON or (self.answer == NPY and not self._as_pixels)

    def encodes_now(self, outputs: Array) -> bool:
        of_pixels = self.answer == NPY and self._as_pixels
        return outputs.size <= (SHORT_PIXELS if of_pixels else SHORT_OUTPUT.get(self.answer, 0))

    def encode(self, outputs: Array) -> Encoded:
        model, answer = self.model, self.answer
        if answer == JSON:
            write = json.encode if outputs.size <= json_pieces.FLOATS else json_pieces.encode
            text = write(model.name, model.version, self._floats(outputs))
            return Encoded(JSON, (text,))
        if answer == NPY:
            array = self._pixels(outputs) if self._as_pixels else self._floats(outputs)
            return Encoded(NPY, npy.write(array))
        return Encoded(answer, (self.encode_picture(self._pixels(outputs[0])),))

    def encode_picture(self, pixels: Array) -> bytes:
        """Return the pixels of the only output, uint8, as a picture of the media type chosen."""
        return image.write(pixels, self.answer)

    def _from_npy(self, body: Body) -> Inputs:
        array = npy.read(body)
        is_pixels = array.dtype == np.uint8
        if is_pixels and self.operation == "decode":
            raise InvalidValue("body: expected codings as floats, received uint8")
        self._as_pixels = is_pixels and self.operation != "encode"
        if is_pixels and not self.keeps_pixels:
            array = to_floats(array, self.model.manifest.pixels)
        copied = array.nbytes if array.base is None else 0
        return self.inputs_of(array, copied=copied, known_finite=is_pixels)

    def inputs_of(self, array: Array, *, copied: int = 0, known_finite: bool = True) -> Inputs:
        """Return an array, as Inputs describes it, with what the query says of it."""
        choice = self.choice
        return Inputs(
            array,
            choice.steps,
            None if choice.sigma is None else [choice.sigma] * len(array),
            choice.controls,
            known_finite,
            copied,
        )

    def _floats(self, values: Array) -> Floats:
        return to_floats(values, self.model.manifest.pixels) if values.dtype in LARGEST else values

    def _pixels(self, values: Array) -> Array:
        return values if values.dtype == np.uint8 else to_pixels(values, self.model.manifest.pixels)

    def _frame(self) -> Frame:
        _, height, width, *_ = self.batcher.session.operation.input.shape
        mode = self.model.manifest.pixels.mode
        return Frame(mode, (height, width), self.limits.steps)
