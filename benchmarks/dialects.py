"""Request bodies and response parsers, by protocol."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import orjson

from benchmarks.images import Floats


@dataclass(frozen=True)
class Request:
    """The body of a request, its Content-Type, and what other headers it needs."""

    body: bytes
    content_type: str
    headers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dialect:
    """ask: images to a request. read: the body of the answer to images, of the shape asked for."""

    ask: Callable[[Floats], Request]
    read: Callable[[bytes], Floats]


def _ask_json(images: Floats) -> Request:
    body = orjson.dumps({"inputs": images}, option=orjson.OPT_SERIALIZE_NUMPY)
    return Request(body, "application/json")


def _read_json(body: bytes) -> Floats:
    """The array of {"outputs": ...}, or the array alone."""
    document = orjson.loads(body)
    return np.array(document["outputs"] if isinstance(document, dict) else document, np.float32)


def _ask_npy(images: Floats) -> Request:
    stream = io.BytesIO()
    np.save(stream, images)
    return Request(stream.getvalue(), "application/x-npy")


def _read_npy(body: bytes) -> Floats:
    array: Floats = np.load(io.BytesIO(body))
    return array


def _ask_open(images: Floats) -> Request:
    tensor = {"name": "images", "shape": images.shape, "datatype": "FP32", "data": images.ravel()}
    body = orjson.dumps({"inputs": [tensor]}, option=orjson.OPT_SERIALIZE_NUMPY)
    return Request(body, "application/json")


def _read_open(body: bytes) -> Floats:
    (tensor,) = orjson.loads(body)["outputs"]
    return np.array(tensor["data"], np.float32).reshape(tensor["shape"])


def _ask_open_binary(images: Floats) -> Request:
    data = images.tobytes()
    tensor = {
        "name": "images",
        "shape": images.shape,
        "datatype": "FP32",
        "parameters": {"binary_data_size": len(data)},
    }
    head = orjson.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}})
    length = f"Inference-Header-Content-Length: {len(head)}"
    return Request(head + data, "application/octet-stream", (length,))


def _read_open_binary(body: bytes) -> Floats:
    head, start = json.JSONDecoder().raw_decode(body.decode("latin-1"))
    return np.frombuffer(body, np.float32, offset=start).reshape(head["outputs"][0]["shape"])


JSON = Dialect(_ask_json, _read_json)
"""{"inputs": nested lists} -> {"outputs": nested lists}."""
NPY = Dialect(_ask_npy, _read_npy)
"""One array as numpy saves it, both ways."""
OPEN_JSON = Dialect(_ask_open, _read_open)
"""The Open Inference Protocol, its numbers as one flat list, which is its fastest JSON."""
OPEN_BINARY = Dialect(_ask_open_binary, _read_open_binary)
"""The Open Inference Protocol with its binary tensor extension, both ways."""
