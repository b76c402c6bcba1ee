"""An ONNX file, looked at before ONNX Runtime sees it: it must hold all that it needs.

The digest in the manifest covers the file alone. Weights in another file could be exchanged behind
it, or be any file that the service can read.

ONNX IR 1.18, onnx.proto, for the numbers of fields; Protocol Buffers, "Encoding".
"""

import mmap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from service.errors import StartupError

MOST_NODES, MOST_FIELDS = 20_000, 1_000_000
"""Nodes of a graph, and fields of all messages that are looked at. ONNX Runtime holds the
interpreter for half a second while it reads as many nodes; large language models have some
thousands."""
DEEPEST = 100
"""Messages within one another, as Protocol Buffers' own readers have it."""
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""Wire types; those of groups are not used any more."""
FIXED = {FIXED64: 8, FIXED32: 4}

MODEL, GRAPH, NODE, ATTRIBUTE, TENSOR = "model", "graph", "node", "attribute", "tensor"
SPARSE, FUNCTION, TRAINING = "sparse tensor", "function", "training"
WITHIN: Mapping[str, Mapping[int, str]] = {
    MODEL: {7: GRAPH, 20: TRAINING, 25: FUNCTION},
    GRAPH: {1: NODE, 5: TENSOR, 15: SPARSE},
    NODE: {5: ATTRIBUTE},
    ATTRIBUTE: {5: TENSOR, 6: GRAPH, 10: TENSOR, 11: GRAPH, 22: SPARSE, 23: SPARSE},
    SPARSE: {1: TENSOR, 2: TENSOR},
    FUNCTION: {7: NODE, 11: ATTRIBUTE},
    TRAINING: {1: GRAPH, 2: GRAPH},
    TENSOR: {},
}
"""The messages within a message that may hold tensors, by the number of their field."""
OPERATOR, EXTERNAL_DATA, DATA_LOCATION = 4, 13, 14
"""Fields of a node, and of a tensor."""
COMPILED = b"EPContext"
"""The operator of what an execution provider has compiled, which may be in another file."""


class _Field(NamedTuple):
    """A field of a message: its number, and its value or where that is."""

    number: int
    value: int
    start: int
    end: int


def check(path: Path) -> None:
    """Check that an ONNX file holds its weights, and no more nodes than can be loaded.

    Raises:
        StartupError: It does not, or it is no ONNX file.
    """
    try:
        with path.open("rb") as file:
            if not path.stat().st_size:  # which cannot be mapped
                raise _no_graph()
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                _check(data)
    except OSError as error:
        raise StartupError(f"{path}: expected a graph, received: {error.strerror}") from error
    except ValueError as error:
        raise StartupError(f"{path}: {error}") from error


def _check(data: mmap.mmap) -> None:
    nodes = fields = 0
    messages = [(MODEL, _fields(data, 0, len(data)))]
    while messages:
        kind, left = messages[-1]
        field = next(left, None)
        if field is None:
            messages.pop()
            continue
        fields += 1
        _check_field(kind, field, data)
        within = WITHIN[kind].get(field.number)
        if within:
            nodes += within == NODE
            messages.append((within, _fields(data, field.start, field.end)))
        if nodes > MOST_NODES or fields > MOST_FIELDS:
            raise ValueError(f"expected a graph of at most {MOST_NODES} nodes, received more")
        if len(messages) > DEEPEST:
            raise ValueError(f"expected a graph of at most {DEEPEST} levels, received more")


def _check_field(kind: str, field: _Field, data: mmap.mmap) -> None:
    """Raise ValueError for a field that asks for another file."""
    if kind == TENSOR and (
        field.number == EXTERNAL_DATA or (field.number == DATA_LOCATION and field.value)
    ):
        raise ValueError(
            "expected weights within the graph's own file, which its digest covers, received "
            "external data"
        )
    if kind == NODE and field.number == OPERATOR and data[field.start : field.end] == COMPILED:
        raise ValueError(
            f"expected a graph of operators, received a compiled one ({COMPILED.decode()})"
        )


def _fields(data: mmap.mmap, at: int, end: int) -> Iterator[_Field]:
    """Yield the fields of a message. Raises ValueError where it is none."""
    while at < end:
        key, at = _varint(data, at, end)
        number, wire, value = key >> 3, key & 7, 0
        if wire == VARINT:
            value, at = _varint(data, at, end)
            start = at
        elif wire == BYTES:
            length, start = _varint(data, at, end)
            at = start + length
        elif wire in FIXED:
            start, at = at, at + FIXED[wire]
        else:
            raise _no_graph()
        if at > end or not number:
            raise _no_graph()
        yield _Field(number, value, start, at)


def _varint(data: mmap.mmap, at: int, end: int) -> tuple[int, int]:
    """Return a number of 7 bits a byte, and where it ends. Raises ValueError."""
    value = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    raise _no_graph()


def _no_graph() -> ValueError:
    return ValueError("expected an ONNX graph, received another file or a truncated one")
