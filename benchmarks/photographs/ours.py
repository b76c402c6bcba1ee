"""python -m benchmarks.photographs.ours: the service's codecs, timed like the others."""

from benchmarks.contenders.common.stopwatch import Pixels, serve
from service.images import png_encoder as png
from service.images.decode import read

FORMATS = ("PNG", "PNG16", "JPEG", "WebP")


def _write(pixels: Pixels) -> bytes:
    return png.encode(pixels, None)


def _read(body: bytes) -> Pixels:
    return read(body, max_pixels=1 << 30).pixels


if __name__ == "__main__":
    writers = {"as it comes": _write}
    serve({"8": writers, "16": writers}, dict.fromkeys(FORMATS, _read))
