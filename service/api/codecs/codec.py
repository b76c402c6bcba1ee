"""Bodies <-> arrays: what the three operations read, by Content-Type, and write, by Accept."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.api.body import Body
from service.api.caching import remembered
from service.api.codecs import image as pictures
from service.api.codecs import json as json_arrays
from service.api.codecs import multipart as forms
from service.api.codecs import npy
from service.api.media_types import ARRAYS, JSON, NPY, PICTURES, writable
from service.api.negotiation import choose
from service.errors import (
    BodyTooLarge,
    InvalidValue,
    NotAcceptable,
    ShapeMismatch,
)
from service.inference.model import Model
from service.inference.pixels import LARGEST, Bytes, Floats, to_floats, to_pixels
from service.manifest import OperationName

# Bytes that are read, and numbers that are written, in 0.2 ms or less: less than a thread takes.
SHORT_BODY = {JSON: 48 * 1024, NPY: 1024 * 1024}
SHORT_OUTPUT = {JSON: 8 * 1024, NPY: 4 * 1024 * 1024}
SHORT_PIXELS = 100_000  # which are numbers yet, to be rounded
LARGEST_JSON = 64 * 1024 * 1024
"""Bytes of JSON: its numbers take ten times as much memory until they are an array."""

Values = NDArray[Any]
"""Numbers in the model's range, float32, or pixels, uint8 or uint16."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The inputs of a request, and the media types that suit the answer to them, best first.

    as_pixels: whether they came as pixels in an array, so that images go back so too; known_finite:
    whether the reader has seen that there is no NaN and no inf among them; copied: whether they
    take memory of their own, beside the body.
    """

    inputs: Values
    answers: tuple[str, ...]
    as_pixels: bool = False
    known_finite: bool = True
    copied: bool = True


def read(
    body: Body,
    kind: tuple[str, str],
    model: Model,
    operation: OperationName,
    *,
    fit: bool,
    max_pixels: int,
    max_steps: int,
) -> Batch:
    """Return the inputs of a body of a media type and boundary; their shape is not checked.

    max_pixels: of all pictures together; max_steps: along a side that fitting leaves free. Raises
    as the readers of each type do, and ShapeMismatch for pictures of several sizes.
    """
    found, boundary = kind
    if found in ARRAYS:
        return read_array(body, found, model, operation)
    files: Sequence[Body] = [body] if found in PICTURES else forms.files(body, boundary)
    frame = _frame(model, operation, max_steps)
    images = pictures.read(files, frame, fit=fit, max_pixels=max_pixels)
    if len({image.shape for image in images}) > 1:
        raise ShapeMismatch(
            "file: expected pictures of one size, received "
            + ", ".join(f"{image.shape[1]}x{image.shape[0]}" for image in images)
        )
    best = "image/png" if len(images) == 1 else JSON
    inputs = to_floats(np.stack(images), model.manifest.pixels)
    return Batch(inputs, _answers(operation, best))


def read_array(
    body: Body, found: str, model: Model, operation: OperationName, *, scaled: bool = True
) -> Batch:
    """Return the inputs of JSON or .npy; scaled: pixels as numbers of the model's range.

    Raises MalformedBody, InvalidValue, ShapeMismatch and BodyTooLarge as the readers do.
    """
    if found == NPY:
        return _from_npy(body, model, operation, scaled=scaled)
    if len(body) > LARGEST_JSON:
        raise BodyTooLarge(
            f"body: expected at most {LARGEST_JSON} bytes of JSON, received {len(body)}; "
            f"as {NPY}, arrays may be as large as any body"
        )
    return Batch(json_arrays.read(bytes(body)), _answers(operation, JSON))


def read_at_once(
    body: Body, kind: tuple[str, str], model: Model, operation: OperationName
) -> Batch | None:
    """Return what read() does of a body that takes no time, None for all that needs a thread."""
    found, _ = kind
    if len(body) > SHORT_BODY.get(found, 0):
        return None
    if found == NPY:
        return _from_npy(body, model, operation, scaled=True)
    inputs = json_arrays.read_at_once(bytes(body))
    return None if inputs is None else Batch(inputs, _answers(operation, JSON))


def is_short(outputs: Floats, answer: str, *, as_pixels: bool) -> bool:
    """Return whether write() takes no time for outputs, and needs no thread."""
    of_pixels = answer == NPY and as_pixels
    return outputs.size <= (SHORT_PIXELS if of_pixels else SHORT_OUTPUT.get(answer, 0))


def write(
    outputs: Values, answer: str, model: Model, *, as_pixels: bool
) -> tuple[bytes | memoryview, ...]:
    """Return outputs, in the model's range or pixels, as the body in parts of a media type."""
    if answer == JSON:
        return (json_arrays.write(model.name, model.version, _scaled(outputs, model)),)
    if answer == NPY:
        return npy.write(_pixels(outputs, model) if as_pixels else _scaled(outputs, model))
    return (pictures.write(_pixels(outputs, model)[0], answer),)


def answer_type(accept: str, batch: Batch) -> str:
    """Return the media type of the answer to a batch. Raises NotAcceptable.

    A picture holds one image: it is offered for a batch of one alone.
    """
    return _chosen(accept, batch.answers, len(batch.inputs) == 1)


@remembered(256)
def _chosen(accept: str, answers: tuple[str, ...], one: bool) -> str:
    offered = [each for each in answers if one or each not in PICTURES]
    try:
        return choose(accept, offered)
    except NotAcceptable as error:
        if offered == [*answers]:
            raise
        raise NotAcceptable(f"{error}; a picture holds one image, not several") from error


@functools.cache
def _answers(operation: OperationName, best: str) -> tuple[str, ...]:
    return tuple(sorted(writable(operation), key=lambda each: each != best))


def _scaled(values: Values, model: Model) -> Floats:
    return to_floats(values, model.manifest.pixels) if values.dtype in LARGEST else values


def _pixels(values: Values, model: Model) -> Bytes:
    return values if values.dtype == np.uint8 else to_pixels(values, model.manifest.pixels)


def _from_npy(body: Body, model: Model, operation: OperationName, *, scaled: bool) -> Batch:
    array = npy.read(body)
    is_pixels = array.dtype == np.uint8
    if is_pixels and operation == "decode":
        raise InvalidValue("body: expected codings as floats, received uint8")
    inputs = to_floats(array, model.manifest.pixels) if is_pixels and scaled else array
    return Batch(
        inputs,
        _answers(operation, NPY),
        as_pixels=is_pixels and operation != "encode",
        known_finite=is_pixels,
        copied=inputs.base is None,
    )


def _frame(model: Model, operation: OperationName, longest: int) -> pictures.Frame:
    _, height, width, *_ = model.input(operation).shape
    return pictures.Frame(model.manifest.pixels.mode, (height, width), longest)
