"""Questions: requests whose right answers are known beforehand, for each client others."""

import io
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.chaos.exchange import Reply

Array = NDArray[Any]
Check = Callable[[Reply], str]
"""Says what is wrong with a successful response; empty where it is right."""

RELATIVE, ABSOLUTE = 1e-3, 1e-4
"""What floats may differ by: sums in batches of other sizes are rounded otherwise."""
LEVELS = 2
"""Levels of 255 that pixels may differ by, for the same reason."""


@dataclass(frozen=True)
class Question:
    """A request and what its response has to be.

    Attributes:
        name: What it is, for reports.
        request: All bytes of the request.
        check: Checks a successful response.
        job: Whether it is sent as a job, whose result is checked.
    """

    name: str
    request: bytes
    check: Check
    job: bool = False


def request(
    method: str, target: str, body: bytes = b"", headers: Iterable[tuple[str, str]] = ()
) -> bytes:
    """Return the bytes of a request."""
    lines = [f"{method} {target} HTTP/1.1", "Host: chaos", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def post(target: str, body: bytes, media_type: str, *headers: tuple[str, str]) -> bytes:
    """Return the bytes of a POST request."""
    return request("POST", target, body, [("Content-Type", media_type), *headers])


def as_json(array: Array) -> bytes:
    """Return the body of a request for an array."""
    return json.dumps({"inputs": array.tolist()}).encode()


def as_npy(array: Array) -> bytes:
    """Return an array as .npy."""
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def as_picture(pixels: Array, kind: str = "PNG", **options: Any) -> bytes:
    """Return pixels as a file."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


def picture_of(content: bytes) -> Array:
    """Return the pixels of a file."""
    with Image.open(io.BytesIO(content)) as opened:
        return np.asarray(opened.convert("RGB") if opened.mode == "P" else opened)


def floats(expected: Array, found: Callable[[Reply], Array]) -> Check:
    """Return a check of floats."""

    def check(reply: Reply) -> str:
        received = found(reply)
        if received.shape != expected.shape:
            return f"expected shape {expected.shape}, received {received.shape}"
        if np.allclose(received, expected, RELATIVE, ABSOLUTE):
            return ""
        return f"expected other numbers, which differ by {np.abs(received - expected).max():g}"

    return check


def pixels(expected: Array, tolerance: int = LEVELS) -> Check:
    """Return a check of a picture's pixels."""

    def check(reply: Reply) -> str:
        received = picture_of(reply.body)
        if received.shape != expected.shape:
            return f"expected shape {expected.shape}, received {received.shape}"
        difference = int(np.abs(received.astype(int) - expected.astype(int)).max())
        return f"expected other pixels, which differ by {difference}" * (difference > tolerance)

    return check


def outputs(reply: Reply) -> Array:
    """Return the outputs of a JSON response."""
    return np.asarray(json.loads(reply.body)["outputs"], np.float32)


def loaded(reply: Reply) -> Array:
    """Return the outputs of a .npy response."""
    return np.asarray(np.load(io.BytesIO(reply.body)))


def inferred(reply: Reply) -> Array:
    """Return the outputs of a response under /v2, in JSON or binary."""
    length = reply.headers.get("inference-header-content-length")
    told = json.loads(reply.body[: int(length)] if length else reply.body)["outputs"][0]
    if length:
        return np.frombuffer(reply.body[int(length) :], "<f4").reshape(told["shape"])
    return np.asarray(told["data"], np.float32).reshape(told["shape"])
