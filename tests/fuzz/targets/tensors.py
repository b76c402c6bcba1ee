"""Inference requests of the Open Inference Protocol: JSON, and binary tensor data after it."""

import functools
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from service.api.codecs.json_errors import Unexplained
from service.api.open_inference.infer import InferenceCodec
from service.api.open_inference.naming import Served
from service.api.pipeline import Batches
from service.api.routing import Limits
from service.api.tiles import tiles
from service.errors import ServiceError
from service.inference.loader import load
from service.inference.model import Model
from service.manifest import OperationName
from tests.fuzz.target import Fault, Target
from tests.service.tiny import write_model

LIMITS = Limits(1 << 20, 1 << 20, 1 << 12, 64, 8)
SERVED: tuple[tuple[str, OperationName], ...] = (
    ("half", "denoise"),
    ("half", "decode"),
    ("rows", "encode"),
    ("rows", "decode"),
    ("photo", "denoise"),
)


@functools.cache
def models() -> dict[str, Model]:
    """The tiny models, whose files need not stay once they are loaded."""
    with tempfile.TemporaryDirectory() as folder:
        names = dict.fromkeys(name for name, _ in SERVED)
        return {name: load(write_model(Path(folder), name)) for name in names}


def run(data: bytes) -> None:
    """The first byte names the operation; the first line is the header with the JSON's length."""
    line, _, body = data.partition(b"\n")
    name, operation = SERVED[(line[:1] or b"\0")[0] % len(SERVED)]
    model = models()[name]
    served = Served(f"{name}.{operation}", model, operation, [1])
    is_photograph = operation in model.of_photographs
    runner = tiles(model, LIMITS) if is_photograph else Batches(LIMITS)
    header = line[1:].decode("latin-1")
    try:
        codec = InferenceCodec(runner, served, header, keeps_pixels=is_photograph)
        now = codec.decode_now(body)
        inputs = codec.decode(body) if now is None else now
        checked = runner.check(codec, inputs)
    except Unexplained as error:  # decode() explains it
        raise Fault("expected an error that says why, received none") from error
    except ServiceError as error:
        if not 400 <= error.status < 500:
            raise
        return
    array = checked.inputs.array
    if not np.isfinite(array).all():
        raise Fault(f"expected finite numbers, received {array}")


def request(*inputs: Mapping[str, object], **more: object) -> bytes:
    return json.dumps({"inputs": inputs, **more}, separators=(",", ":")).encode()


def seeds() -> list[bytes]:
    image = {"name": "images", "shape": [1, 4, 4], "datatype": "FP32"}
    coding = {"name": "codings", "shape": [1, 4], "datatype": "FP32", "data": [1, 2, 3, 4]}
    steps = {"name": "steps", "shape": [1], "datatype": "INT64", "data": [3]}
    sigma = {"name": "sigma", "shape": [1], "datatype": "FP32", "data": [20.5]}
    pixels = {"name": "images", "shape": [1, 2, 2, 3], "datatype": "UINT8"}
    binary = request(image | {"parameters": {"binary_data_size": 64}})
    shown = request(
        pixels | {"parameters": {"binary_data_size": 12}},
        sigma,
        id="a",
        parameters={"binary_data_output": True, "strength": 0.5, "region": "0,0,1,1"},
        outputs=[{"name": "reconstructions", "parameters": {"binary_data": False}}],
    )
    first = [b"%c" % (ord("A") - ord("A") % 5 + each) for each in range(5)]
    return [
        first[0] + b"\n" + request(image | {"data": [0.5] * 16}),
        first[0] + b"\n" + request(image | {"data": [[[0.5] * 4] * 4]}, id=None),
        first[0] + b"%d\n" % len(binary) + binary + np.ones(16, "<f4").tobytes(),
        first[0] + b"0\n" + np.ones(16, "<f4").tobytes(),
        first[3] + b"\n" + request(coding, steps),
        first[2] + b"0\n" + np.ones(8, "<f4").tobytes(),
        first[4] + b"%d\n" % len(shown) + shown + bytes(12),
        first[4] + b"\n" + request(pixels | {"data": list(range(12))}, sigma),
        first[1] + b"\n" + request(coding | {"shape": [1.0, 16], "data": [1e39] * 16}),
    ]


WORDS = (b'"shape":[1,4,4]', b'"datatype":"FP32"', b'"data":[', b'"binary_data_size":64', b"null")
TARGET = Target(run, seeds, share=700, words=WORDS)
