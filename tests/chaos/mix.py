"""The mix that clients send: JSON, .npy, photographs, /v2 and jobs, of each client its own."""

import json
from pathlib import Path

import numpy as np

from tests.chaos.questions import (
    Array,
    Question,
    as_json,
    as_npy,
    as_picture,
    floats,
    inferred,
    loaded,
    outputs,
    picture_of,
    pixels,
    post,
)
from tests.chaos.reference import Reference

ROOT = Path(__file__).parents[2]
MODELS = ("stacked", "denoising-dropout", "photo")
"""The models that answer the mix."""
ALL = tuple(sorted(folder.name for folder in (ROOT / "models").iterdir()))
"""All shipped models."""
JSON, NPY, PNG = "application/json", "application/x-npy", "image/png"
PHOTOGRAPH = ROOT / "docs/examples/photo-noisy.jpg"
SIZE = (64, 48)
"""Width and height of the photographs."""
SIGMA = 20.0
WHOLE = (4000, 3000)
"""Width and height of photographs of which a region is asked."""
HALO = 56
"""Pixels around a region that its answer depends on: those of the manifest."""
DENOISE, ENCODE = "/v2/models/denoising-dropout.denoise/infer", "/v2/models/stacked.encode/infer"


def questions(client: int, reference: Reference) -> list[Question]:
    """Return what a client asks; no other client asks the same."""
    draw = np.random.default_rng(client)
    images = draw.random((1 + client % 3, 28, 28), np.float32)
    codings = reference.run("stacked", "encode", images)
    clean = reference.run("denoising-dropout", "denoise", images)
    photograph = crop(client)
    denoised = reference.denoised(photograph, SIGMA)
    file = as_picture(photograph)
    binary, length = _binary(images)
    of_length = ("Inference-Header-Content-Length", str(length))
    return [
        Question("json", post("/encode", as_json(images), JSON), floats(codings, outputs)),
        Question("npy", post("/denoise", as_npy(images), NPY), floats(clean, loaded)),
        Question("png", post(f"/denoise?sigma={SIGMA}", file, PNG), pixels(denoised)),
        Question("v2", post(ENCODE, _tensor(images), JSON), floats(codings, inferred)),
        Question(
            "v2 binary",
            post(DENOISE, binary, "application/octet-stream", of_length),
            floats(clean, inferred),
        ),
        Question(
            "job json",
            post("/jobs?operation=encode", as_json(images), JSON),
            floats(codings, outputs),
            job=True,
        ),
        Question("job png", post(f"/jobs?sigma={SIGMA}", file, PNG), pixels(denoised), job=True),
    ]


def large(client: int, reference: Reference, size: tuple[int, int]) -> Question:
    """Return a photograph that takes seconds."""
    photograph = crop(client, size)
    check = pixels(reference.denoised(photograph, SIGMA))
    return Question(
        "large png", post(f"/denoise?sigma={SIGMA}", as_picture(photograph), PNG), check
    )


def region(client: int, reference: Reference) -> Question:
    """Return a photograph that takes much memory and little time: a small part of it is wanted."""
    width, height = (2 * HALO + side for side in SIZE)
    around = crop(client, (width, height))
    whole = np.zeros((*WHOLE[::-1], 3), np.uint8)
    whole[:height, :width] = around
    denoised = reference.denoised(around, SIGMA)[HALO : HALO + SIZE[1], HALO : HALO + SIZE[0]]
    target = f"/denoise?sigma={SIGMA}&region={HALO},{HALO},{SIZE[0]},{SIZE[1]}"
    return Question("region", post(target, as_picture(whole), PNG), pixels(denoised))


def crop(client: int, size: tuple[int, int] = SIZE) -> Array:
    """Return a photograph of a size, of other places and with other noise for each client."""
    draw = np.random.default_rng(client)
    whole = picture_of(PHOTOGRAPH.read_bytes())
    width, height = size
    repeats = -(-height // whole.shape[0]) + 1, -(-width // whole.shape[1]) + 1, 1
    whole = np.tile(whole, repeats)
    top, left = draw.integers(0, whole.shape[0] - height), draw.integers(0, whole.shape[1] - width)
    part = whole[top : top + height, left : left + width]
    return np.clip(part + draw.normal(0, 10, part.shape), 0, 255).astype(np.uint8)


def _tensor(images: Array) -> bytes:
    described = {"name": "images", "datatype": "FP32", "shape": list(images.shape)}
    return json.dumps({"inputs": [described | {"data": images.ravel().tolist()}]}).encode()


def _binary(images: Array) -> tuple[bytes, int]:
    """Return a body with a binary tensor, and the length of its JSON."""
    described = {"name": "images", "datatype": "FP32", "shape": list(images.shape)}
    data = images.astype("<f4").tobytes()
    told = {
        "inputs": [described | {"parameters": {"binary_data_size": len(data)}}],
        "parameters": {"binary_data_output": True},
    }
    head = json.dumps(told).encode()
    return head + data, len(head)
