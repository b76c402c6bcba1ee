"""The codec of arrays, and of pictures of the one size that a model takes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from service.api.body import Body
from service.api.codecs import image, json, json_pieces, npy, rows
from service.api.codecs.codec import Array, Declared, Encoded, Inputs, Runner
from service.api.media_types import JSON, NPY, MediaType, responses
from service.api.query import Choice
from service.api.request import Header
from service.api.routing import Limits
from service.errors import (
    BodyTooLarge,
    InvalidValue,
    NotAcceptable,
    ShapeMismatch,
    UnsupportedMediaType,
)
from service.images.fit import Frame
from service.images.formats import PNG
from service.inference.executor import Executor
from service.inference.features import Series
from service.inference.model import Model
from service.inference.pixels import LARGEST, Floats, to_floats, to_pixels
from service.manifest import OperationName
from service.rows import Rows

# Bytes that are decoded, and numbers that are encoded, in 0.2 ms: less than a thread costs.
SHORT_BODY = {JSON: 48 * 1024, NPY: 1024 * 1024}
SHORT_OUTPUT = {JSON: 8 * 1024, NPY: 4 * 1024 * 1024}
SHORT_PIXELS = 100_000  # numbers that are rounded to pixels
LARGEST_JSON = 64 * 1024 * 1024
"""Bytes of JSON: its numbers take ten times as much memory until they are an array."""


@dataclass(eq=False)
class BatchCodec:
    """The codec of a request whose inputs run in one batch.

    Attributes:
        runner: What runs the inputs.
        model: The model.
        operation: What the model is to do.
        media: The media type of the body.
        accept: The Accept header.
        choice: The parameters.
        limits: What the request may ask for.
        lacks: Where the model stands in for one of photographs, which of these is missing, as a
            clause; None otherwise. It then takes pictures of its own size alone: no client means to
            get a photograph back as a thumbnail.
        answer: The media type of the response, once it is negotiated.
        series: How the rows of a series were cut into windows; None of anything else.
        files: The files of a form; none where the body is the only one.
        keeps_pixels: Whether uint8 arrays stay pixels: those of photographs, until their tile runs.
    """

    keeps_pixels: ClassVar[bool] = False

    runner: Runner
    model: Model
    operation: OperationName
    media: MediaType
    accept: str
    choice: Choice
    limits: Limits
    lacks: str | None = None
    declared: Callable[[Body], Declared] | None = field(default=None, init=False)
    answer: str = field(default="", init=False)
    files: Sequence[Body] = field(default=(), init=False)
    series: Series | None = field(default=None, init=False)
    _best: str = field(default="", init=False)  # of the response, if it is not that of the body
    _as_pixels: bool = field(default=False, init=False)

    @property
    def batcher(self) -> Executor:
        return self.model.batchers[self.operation]

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
        if self.model.manifest.rows and self.operation != "decode" and rows.are_rows(name, body):
            return self._from_rows(body, self.model.manifest.rows)
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
        self._best = PNG if len(pixels) == 1 else JSON
        array = to_floats(pixels, self.model.manifest.pixels)
        return self.inputs_of(array, copied=array.nbytes)

    def negotiate(self, count: int) -> None:
        best = self._best or self.media.name
        self.answer = responses(self.operation, best, single=count == 1)[self.accept]
        if self.answer not in (JSON, NPY) and self.model.manifest.pixels is None:
            raise NotAcceptable(
                f"Accept: expected {JSON} or {NPY} for the rows of {self.model.name}, "
                f"received {self.accept}"
            )

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
            return Encoded(JSON, (text,), self.left_over())
        if answer == NPY:
            array = self._pixels(outputs) if self._as_pixels else self._floats(outputs)
            return Encoded(NPY, npy.write(array), self.left_over())
        return Encoded(answer, (self.encode_picture(self._pixels(outputs[0])),))

    def left_over(self) -> list[Header]:
        """Return the header that says how many rows of a series are in no window."""
        return [(b"x-rows-left-over", b"%d" % self.series.left_over)] if self.series else []

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

    def _from_rows(self, body: Body, described: Rows) -> Inputs:
        shape = self.batcher.session.operation.input.shape
        read = rows.read(body, self.media.name, described, shape, self.limits.check_output)
        self.series = read.series
        return self.inputs_of(read.array, copied=2 * read.array.nbytes)

    def _floats(self, values: Array) -> Floats:
        return to_floats(values, self.model.manifest.pixels) if values.dtype in LARGEST else values

    def _pixels(self, values: Array) -> Array:
        return values if values.dtype == np.uint8 else to_pixels(values, self.model.manifest.pixels)

    def _frame(self) -> Frame:
        pixels = self.model.manifest.pixels
        if pixels is None:
            raise UnsupportedMediaType(
                f"body: expected rows for {self.model.name}, received a picture ({self.media.name})"
            )
        _, height, width, *_ = self.batcher.session.operation.input.shape
        return Frame(pixels.mode, (height, width), self.limits.steps, pixels.fit)
