"""Bodies <-> arrays: what the three operations read, by Content-Type, and write, by Accept."""

import codecs
import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from multipart import parse_options_header

from service.api import forms, json_arrays, npy, pictures
from service.api.body import Body
from service.api.negotiation import choose
from service.api.remembering import remembered
from service.errors import (
    InvalidValue,
    MalformedBody,
    NotAcceptable,
    ShapeMismatch,
    UnsupportedMediaType,
)
from service.inference.model import Model
from service.inference.pixels import Floats, to_floats, to_pixels
from service.manifest import OperationName

JSON, NPY, MULTIPART = "application/json", "application/x-npy", "multipart/form-data"
ARRAYS = (JSON, NPY)
PICTURES = tuple(pictures.FORMATS)
# What curl and browsers say of a body whose type they were not told.
UNTOLD = ("", "application/octet-stream", "application/x-www-form-urlencoded")
# Bytes that are read, and numbers that are written, in 0.2 ms or less: less than a thread takes.
SHORT_BODY = {JSON: 48 * 1024, NPY: 1024 * 1024}
SHORT_OUTPUT = {JSON: 8 * 1024, NPY: 4 * 1024 * 1024}
SHORT_PIXELS = 100_000  # which are numbers yet, to be rounded


@dataclass(frozen=True, slots=True)
class Batch:
    """The inputs of a request, and the media types that suit the answer to them, best first.

    as_pixels: whether they came as pixels in an array, so that images go back so too; known_finite:
    whether the reader has seen that there is no NaN and no inf among them; copied: whether they
    take memory of their own, beside the body.
    """

    inputs: Floats
    answers: tuple[str, ...]
    as_pixels: bool = False
    known_finite: bool = True
    copied: bool = True


def readable(operation: OperationName) -> tuple[str, ...]:
    """Return the media types that an operation reads; a coding is never a picture."""
    return (JSON, NPY) if operation == "decode" else (JSON, NPY, *PICTURES, MULTIPART)


def writable(operation: OperationName) -> tuple[str, ...]:
    """Return the media types that an operation writes."""
    return (JSON, NPY) if operation == "encode" else (JSON, NPY, *PICTURES)


def media_type(body: Body, content_type: str, operation: OperationName) -> tuple[str, str]:
    """Return the media type of a body, and the boundary of its parts, "" where it has none.

    Raises UnsupportedMediaType with the list of what is read, MalformedBody for an empty body.
    """
    if not body:
        raise MalformedBody(f"body: expected inputs for {operation}, received nothing")
    told, boundary = _parsed(content_type)
    found = _sniffed(body) if told in UNTOLD else told
    if found not in readable(operation):
        received = content_type[:200]
        if told in UNTOLD:
            received = f"none, with a body that is {found or 'recognised as none of them'}"
        raise UnsupportedMediaType(
            f"Content-Type: expected one of {', '.join(readable(operation))}, received {received}"
        )
    return found, boundary


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

    max_pixels: of all pictures together; max_steps: along a side that fitting leaves free.

    Raises MalformedBody, InvalidValue, ShapeMismatch, UnsupportedMediaType and BodyTooLarge as
    the readers of each type do.
    """
    found, boundary = kind
    if found == JSON:
        return Batch(json_arrays.read(bytes(body)), _answers(operation, JSON))
    if found == NPY:
        return _from_npy(body, model, operation)
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


def read_at_once(
    body: Body, kind: tuple[str, str], model: Model, operation: OperationName
) -> Batch | None:
    """Return what read() does of a body that takes no time, None for all that needs a thread."""
    found, _ = kind
    if len(body) > SHORT_BODY.get(found, 0):
        return None
    if found == NPY:
        return _from_npy(body, model, operation)
    inputs = json_arrays.read_at_once(bytes(body))
    return None if inputs is None else Batch(inputs, _answers(operation, JSON))


def is_short(outputs: Floats, answer: str, *, as_pixels: bool) -> bool:
    """Return whether write() takes no time for outputs, and needs no thread."""
    of_pixels = answer == NPY and as_pixels
    return outputs.size <= (SHORT_PIXELS if of_pixels else SHORT_OUTPUT.get(answer, 0))


def write(
    outputs: Floats, answer: str, model: Model, *, as_pixels: bool
) -> tuple[bytes | memoryview, ...]:
    """Return outputs in the model's range as the body, in parts, of one of Batch.answers."""
    if answer == JSON:
        return (json_arrays.write(model.name, model.version, outputs),)
    if answer == NPY:
        return npy.write(to_pixels(outputs, model.manifest.pixels) if as_pixels else outputs)
    return (pictures.write(to_pixels(outputs, model.manifest.pixels)[0], answer),)


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


@remembered(256)
def _parsed(content_type: str) -> tuple[str, str]:
    found, options = parse_options_header(content_type)
    return found, options.get("boundary", "")


@functools.cache
def _answers(operation: OperationName, best: str) -> tuple[str, ...]:
    return tuple(sorted(writable(operation), key=lambda each: each != best))


def _from_npy(body: Body, model: Model, operation: OperationName) -> Batch:
    array = npy.read(body)
    is_pixels = array.dtype == np.uint8
    if is_pixels and operation == "decode":
        raise InvalidValue("body: expected codings as floats, received uint8")
    inputs = to_floats(array, model.manifest.pixels) if is_pixels else array
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


def _sniffed(body: Body) -> str:
    head = bytes(body[:64])
    if head.startswith(b"\x93NUMPY"):
        return NPY
    text = head.removeprefix(codecs.BOM_UTF8).lstrip()  # JSON or not, its reader says what is wrong
    return JSON if text.startswith((b"{", b"[")) else pictures.media_type_of(head)
