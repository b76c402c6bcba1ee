"""Responses to POST .../infer: outputs in JSON, or as bytes after it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson

from service.api.codecs.codec import Encoded
from service.api.codecs.json_pieces import FLOATS
from service.api.media_types import JSON
from service.api.open_inference.naming import Served
from service.api.open_inference.request import HEADER_SENT, Request
from service.inference.pixels import Floats

BINARY = "application/octet-stream"


def write(served: Served, request: Request, outputs: Mapping[str, Floats]) -> Encoded:
    """Return the response to an inference request: outputs in JSON, or as bytes after it.

    In JSON the numbers are in a row, each in the shortest text that reads back as the same float32,
    and null for NaN.
    """
    document: dict[str, Any] = {
        "model_name": served.name,
        "model_version": str(served.model.version),
    }
    if request.id is not None:
        document["id"] = request.id
    document["outputs"] = []
    texts: list[bytes] = []
    data: list[memoryview] = []
    for name, output in outputs.items():
        tensor: dict[str, Any] = {"name": name, "datatype": "FP32", "shape": output.shape}
        if request.outputs[name]:
            tensor["parameters"] = {"binary_data_size": output.nbytes}
            data.append(np.ascontiguousarray(output).data.cast("B"))
            texts.append(orjson.dumps(tensor))
        else:
            texts.append(
                b"".join((orjson.dumps(tensor)[:-1], b',"data":[', _numbers(output), b"]}"))
            )
    head = b"".join((orjson.dumps(document)[:-2], b",".join(texts), b"]}"))
    if not data:
        return Encoded(JSON, (head,))
    return Encoded(BINARY, (head, *data), [(HEADER_SENT, b"%d" % len(head))])


def _numbers(output: Floats) -> bytes:
    """Return numbers in a row, in pieces between which other requests get the interpreter."""
    numbers = output.ravel()
    return b",".join(
        orjson.dumps(numbers[start : start + FLOATS], option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]
        for start in range(0, len(numbers), FLOATS)
    )
