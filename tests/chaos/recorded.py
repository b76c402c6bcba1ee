"""Answers that were recorded while nothing else ran, and comparisons of later ones with them."""

import io
import json
import zipfile

import numpy as np

from tests.chaos.exchange import Reply
from tests.chaos.questions import ABSOLUTE, LEVELS, RELATIVE, picture_of

LOSSY = 24
"""Levels of 255 that pixels of a lossy file may differ by where those before coding differ by 1."""
CHANGES = ("/metrics", "/models")
"""Paths whose responses change from request to request."""


def differs(recorded: Reply, received: Reply) -> str:
    """Return how a response differs from the recorded one; empty where it does not."""
    if received.status != recorded.status:
        return f"expected {recorded.status}, received {received.status}: {received.body[:200]!r}"
    kind = recorded.headers.get("content-type", "")
    if (
        received.headers.get("content-type", "").partition("boundary")[0]
        != kind.partition("boundary")[0]
    ):
        return f"expected {kind}, received {received.headers.get('content-type')}"
    return _contents(kind, recorded.body, received.body)


def _contents(kind: str, recorded: bytes, received: bytes) -> str:
    if recorded == received:
        return ""
    if kind.startswith("image/"):
        return _pictures(kind, recorded, received)
    if kind == "application/json":
        return _documents(json.loads(recorded), json.loads(received))
    if kind == "application/x-npy":
        return _arrays(np.load(io.BytesIO(recorded)), np.load(io.BytesIO(received)))
    if kind == "application/zip":
        return _archives(recorded, received)
    if kind.startswith("multipart/mixed"):
        return "" if len(recorded) == len(received) else "expected as many bytes"
    return "expected other bytes"


def _pictures(kind: str, recorded: bytes, received: bytes) -> str:
    one, other = picture_of(recorded).astype(int), picture_of(received).astype(int)
    if one.shape != other.shape:
        return f"expected shape {one.shape}, received {other.shape}"
    exact = kind in ("image/png", "image/tiff", "image/bmp", "image/gif")
    most = int(np.abs(one - other).max() / (257 if one.max() > 255 else 1))
    return f"pixels differ by {most}" * (most > (LEVELS if exact else LOSSY))


def _documents(one: object, other: object) -> str:
    if isinstance(one, dict) and isinstance(other, dict) and "outputs" in one:
        return _arrays(np.asarray(one["outputs"]), np.asarray(other["outputs"]))
    return "" if one == other else f"expected {str(one)[:200]}, received {str(other)[:200]}"


def _arrays(one: np.ndarray, other: np.ndarray) -> str:
    if one.shape != other.shape or one.dtype != other.dtype:
        return f"expected {one.dtype} {one.shape}, received {other.dtype} {other.shape}"
    if one.dtype == np.uint8:
        most = int(np.abs(one.astype(int) - other.astype(int)).max())
        return f"pixels differ by {most}" * (most > LEVELS)
    return "" if np.allclose(one, other, RELATIVE, ABSOLUTE) else "numbers differ"


def _archives(recorded: bytes, received: bytes) -> str:
    with (
        zipfile.ZipFile(io.BytesIO(recorded)) as one,
        zipfile.ZipFile(io.BytesIO(received)) as other,
    ):
        if one.namelist() != other.namelist():
            return f"expected {one.namelist()}, received {other.namelist()}"
        for name in one.namelist():
            kind = "application/json" if name.endswith(".json") else "image/jpeg"
            if fault := _contents(kind, one.read(name), other.read(name)):
                return f"{name}: {fault}"
    return ""
