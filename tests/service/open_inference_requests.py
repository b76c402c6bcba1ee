"""Requests and errors of the Open Inference Protocol."""

from typing import Any

import httpx
import numpy as np

IMAGE = (np.arange(16, dtype=np.float32) / 16).reshape(1, 4, 4)


DENOISE = "/v2/models/half.denoise/infer"


def images(array: Any = IMAGE, **more: Any) -> dict[str, Any]:
    """An input of images with its numbers in a row."""
    array = np.asarray(array)
    return {
        "name": "images",
        "shape": list(array.shape),
        "datatype": "FP32",
        "data": array.ravel().tolist(),
    } | more


def check_error(answer: httpx.Response, status: int) -> str:
    """Check that an answer is an error of the protocol; return what it says."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["X-Request-Id"]
    document = answer.json()
    assert list(document) == ["error"]
    return str(document["error"])
