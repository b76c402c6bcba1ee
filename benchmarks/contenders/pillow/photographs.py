"""Pillow, at levels of compression."""

import io

import numpy as np
from PIL import Image
from stopwatch import Pixels, serve


def _writer(level: int):
    def write(pixels: Pixels) -> bytes:
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "PNG", compress_level=level)
        return stream.getvalue()

    return write


def _read(body: bytes) -> Pixels:
    return np.asarray(Image.open(io.BytesIO(body)))


if __name__ == "__main__":
    # Of 16-bit colour it keeps 8 bits, in both directions.
    writers = {f"level {level}": _writer(level) for level in (1, 3, 6)}
    serve({"8": writers}, dict.fromkeys(("PNG", "JPEG", "WebP"), _read))
