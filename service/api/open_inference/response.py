"""Responses to POST .../infer: the output in JSON, or as bytes after it."""

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


def write(served: Served, request: Request, output: Floats) -> Encoded:
    """Return the response to an inference request: its output in JSON, or as bytes after it.

    In JSON the numbers are in a row, each in the shortest text that reads back as the same float32.
    """
    tensor: dict[str, Any] = {
        "name": served.model.batchers[served.operation].session.operation.output.name,
        "datatype": "FP32",
        "shape": output.shape,
    }
    document: dict[str, Any] = {
        "model_name": served.name,
        "model_version": str(served.model.version),
    }
    if request.id is not None:
        document["id"] = request.id
    document["outputs"] = [tensor]
    if request.binary:
        tensor["parameters"] = {"binary_data_size": output.nbytes}
        head = orjson.dumps(document)
        headers = [(HEADER_SENT, b"%d" % len(head))]
        return Encoded(BINARY, (head, np.ascontiguousarray(output).data.cast("B")), headers)
    tensor["data"] = []
    head, tail = orjson.dumps(document)[:-4], b"]}]}"
    numbers = output.ravel()
    # In pieces, between which other requests get the interpreter.
    texts = [
        orjson.dumps(numbers[start : start + FLOATS], option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]
        for start in range(0, len(numbers), FLOATS)
    ]
    return Encoded(JSON, (b"".join((head, b",".join(texts), tail)),))
