"""Inference requests: a JSON document, bytes of tensors after it (binary tensor data), or bytes."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import ValidationError

from service.api.codecs.json_errors import shown
from service.api.open_inference import tensors
from service.api.open_inference.document import (
    Document,
    flag,
    name_of,
    objects,
    parameters,
    parse,
)
from service.api.query import ControlsQuery
from service.errors import BodyTooLarge, InvalidValue, MalformedBody, ShapeMismatch
from service.inference.model import Model
from service.inference.pixels import Floats, to_floats
from service.inference.tiling.controls import DEFAULTS, Controls
from service.manifest import Operation, OperationName, Tensor
from service.pydantic_errors import explain

HEADER = "Inference-Header-Content-Length"
"""The header with the length of the JSON in bytes; 0 for a body that is one tensor's bytes."""
HEADER_SENT = HEADER.lower().encode()
LARGEST_JSON = 4 * 1024 * 1024
"""Bytes of JSON: parsing them takes 25 ms, during half of which the event loop waits."""


@dataclass(frozen=True, slots=True)
class Request:
    """An inference request.

    Attributes:
        inputs: Numbers in the model's range, or uint8 pixels of photographs.
        steps: Length of the sequences to return; None for the default.
        sigma: Noise level of each photograph, float32 (batch,); None where it is unknown.
        id: The request's own name; None without one.
        outputs: Names of the outputs to return, and whether as bytes.
        controls: How photographs are denoised.
    """

    inputs: tensors.Array
    steps: int | None
    sigma: Floats | None
    id: str | None
    outputs: Mapping[str, bool]
    controls: Controls = DEFAULTS


def split(body: bytes | memoryview, header: str) -> tuple[bytes, memoryview]:
    """Return the JSON of a body, and the bytes after it.

    Args:
        body: The body.
        header: HEADER; "" for a body that is all JSON.

    Raises:
        MalformedBody: The header is no length, or one beyond the body's.
        BodyTooLarge: The JSON is longer than LARGEST_JSON.
    """
    if not header:
        length = len(body)
    elif header.isdecimal() and len(header) < 16 and int(header) <= len(body):
        length = int(header)
    else:
        raise MalformedBody(
            f"{HEADER}: expected a length of at most {len(body)} bytes, received {header[:40]!r}"
        )
    if length > LARGEST_JSON:
        raise BodyTooLarge(
            f"body: expected at most {LARGEST_JSON} bytes of JSON, received {length}; "
            "as binary data, tensors may be as large as any body"
        )
    return bytes(body[:length]), memoryview(body)[length:]


def read(
    text: bytes,
    data: memoryview,
    model: Model,
    operation: OperationName,
    offered: Sequence[str],
    *,
    keeps_pixels: bool,
) -> Request:
    """Return the request in a document; the shape of its inputs is checked later.

    Args:
        text: The document.
        data: The bytes after it.
        model: Says which tensors there are.
        operation: The operation to run; images may be UINT8 pixels, codings may not.
        offered: Names of the outputs that there are, the first by default.
        keeps_pixels: Whether UINT8 pixels stay what they are: those of photographs, until their
            tile runs.

    Raises:
        MalformedBody: It is not JSON, or its tensors have more or fewer bytes than it says.
        InvalidValue: A value is of the wrong type or out of range, or a tensor is unknown.
        ShapeMismatch: A tensor has more or fewer numbers than its shape.
        Unexplained: Numbers cannot be used; explain() says why.
    """
    document = parse(text)
    described = model.batchers[operation].session.operation
    request_id = document.get("id")
    if not isinstance(request_id, str | None):
        raise InvalidValue(f"id: expected text, received {shown(request_id)}")
    outputs = _wanted(document, offered)
    taken = {described.input.name: ("FP32",) if operation == "decode" else ("FP32", "UINT8")}
    if described.steps:
        taken[described.steps.tensor.name] = ("INT64",)
    if described.sigma:
        taken[described.sigma.tensor.name] = ("FP32",)
    arrays: dict[str, tensors.Array] = {}
    for name, tensor, part in _parts(document, data):
        if name not in taken or name in arrays:
            twice = " twice" if name in arrays else ""
            expected = "a tensor named" if len(taken) == 1 else "tensors named"
            raise InvalidValue(
                f"inputs: expected {expected} {' and '.join(taken)}, received {name!r}{twice}"
            )
        arrays[name] = tensors.read(name, tensor, part, taken[name])
    if described.input.name not in arrays:
        raise InvalidValue(
            f"inputs: expected a tensor named {described.input.name}, "
            f"received {', '.join(map(repr, arrays)) or 'none'}"
        )
    inputs = arrays[described.input.name]
    if inputs.dtype == np.uint8 and not keeps_pixels:
        inputs = to_floats(inputs, model.manifest.pixels)
    sigma, steps = _sigma(described, arrays, len(inputs)), _steps(described, arrays)
    controls = _controls(document) if described.tiles else DEFAULTS
    return Request(inputs, steps, sigma, request_id, outputs, controls)


def is_copy(array: tensors.Array) -> bool:
    """Return whether an array has memory of its own, besides the body."""
    return (array if array.base is None else array.base).flags.owndata


def read_raw(data: memoryview, taken: Tensor, output: str) -> Request:
    """Return the request in a body of bytes: the input as FP32, its shape by their number.

    Args:
        data: The body.
        taken: The tensor that the operation takes. A dimension besides the batch may be free; the
            batch is then one.
        output: The name of the output to return.

    Raises:
        InvalidValue: More dimensions are free.
        MalformedBody: The bytes are not a whole number of items.
    """
    free = [index for index, size in enumerate(taken.shape) if isinstance(size, str)]
    sizes = [size if isinstance(size, int) else 1 for size in taken.shape]
    names = f"({', '.join(map(str, taken.shape))})"
    if len(free) > 2:
        raise InvalidValue(
            f"{HEADER}: expected more than 0, as bytes alone do not tell the shape {names} "
            f"of {taken.name}"
        )
    each = 4 * math.prod(sizes)
    count, left = divmod(len(data), each)
    if left or not count:
        raise MalformedBody(
            f"body: expected a multiple of {each} bytes for {taken.name} {names}, "
            f"received {len(data)}"
        )
    sizes[free[-1]] = count
    inputs = tensors.aligned(np.frombuffer(data, "<f4")).reshape(sizes)
    return Request(inputs, None, None, None, {output: True})


def _parts(
    document: Document, data: memoryview
) -> Iterator[tuple[str, Document, memoryview | None]]:
    """Yield the name of each input, the object that describes it, and its bytes, if it has any."""
    start = 0
    for tensor in objects(document, "inputs"):
        name = name_of(tensor, "inputs")
        size = parameters(tensor, name, "shared_memory_region").get("binary_data_size")
        if size is None:
            yield name, tensor, None
            continue
        if type(size) is not int or not 0 <= size <= len(data) - start:
            raise MalformedBody(
                f"{name}.binary_data_size: expected at most the {len(data) - start} bytes that "
                f"are left after the JSON, which {HEADER} ends, received {shown(size)}"
            )
        if tensor.get("data") is not None:
            raise InvalidValue(f"{name}: expected data or binary_data_size, received both")
        yield name, tensor, data[start : start + size]
        start += size
    if start < len(data):
        raise MalformedBody(
            f"body: expected {start} bytes after the JSON, by the binary_data_size of the inputs, "
            f"received {len(data)}"
        )


def _wanted(document: Document, offered: Sequence[str]) -> Mapping[str, bool]:
    """Return the outputs that are requested, and which as bytes. Raises InvalidValue for others."""
    by_default = flag(parameters(document, "body"), "binary_data_output", default=False)
    outputs = [] if document.get("outputs") is None else objects(document, "outputs")
    names = [name_of(output, "outputs") for output in outputs]
    if len(set(names)) < len(names) or not set(names) <= set(offered):
        expected = f"{offered[0]} alone" if len(offered) == 1 else f"some of {', '.join(offered)}"
        raise InvalidValue(f"outputs: expected {expected}, received {', '.join(names)}")
    wanted = {}
    for name, output in zip(names, outputs, strict=True):
        given = parameters(output, name, "shared_memory_region", "classification")
        wanted[name] = flag(given, "binary_data", default=by_default)
    return wanted or {offered[0]: by_default}


def _controls(document: Document) -> Controls:
    """Return how to denoise photographs, by the request's parameters; others are ignored."""
    given = parameters(document, "body")
    names = given.keys() & ControlsQuery.model_fields.keys()
    if not names:
        return DEFAULTS
    try:
        return ControlsQuery.model_validate({name: given[name] for name in names}).controls()
    except ValidationError as error:
        raise InvalidValue(explain(error)) from error


def _steps(described: Operation, arrays: Mapping[str, tensors.Array]) -> int | None:
    if not described.steps or described.steps.tensor.name not in arrays:
        return None
    name = described.steps.tensor.name
    array = arrays[name]
    if array.shape not in ((), (1,)) or array.item() < 1:
        raise InvalidValue(
            f"{name}: expected one number from 1, received {shown(array.tolist())} "
            f"of shape {array.shape}"
        )
    return int(array.item())


def _sigma(described: Operation, arrays: Mapping[str, tensors.Array], count: int) -> Floats | None:
    if not described.sigma or described.sigma.tensor.name not in arrays:
        return None
    name = described.sigma.tensor.name
    array = arrays[name]
    if array.shape not in ((count,), (count, 1)):
        raise ShapeMismatch(
            f"{name}: expected ({count}), a number for each of the inputs, received {array.shape}"
        )
    return array.reshape(count)
