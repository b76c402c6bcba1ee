"""Bodies of requests for photographs: files and arrays of noise."""

import io
from typing import Any

import numpy as np
from PIL import Image

RANDOM = np.random.default_rng(0)


def picture(height: int, width: int, mode: str = "RGB", kind: str = "PNG") -> bytes:
    shape = (height, width, len(mode)) if len(mode) > 1 else (height, width)
    stream = io.BytesIO()
    Image.fromarray(RANDOM.integers(0, 256, shape, np.uint8)).save(stream, kind)
    return stream.getvalue()


def as_npy(array: np.ndarray[Any, Any]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()
