"""libvips on one thread: as it comes, and at levels of compression with Paeth's filter."""

import os

os.environ["VIPS_CONCURRENCY"] = "1"  # read when it is imported

import pyvips
from stopwatch import Pixels, serve

PAETH = 0x80


def _writer(**settings: int):
    def write(pixels: Pixels) -> bytes:
        meant = "rgb16" if pixels.itemsize == 2 else "srgb"
        return pyvips.Image.new_from_array(pixels, interpretation=meant).pngsave_buffer(**settings)

    return write


def _read(body: bytes) -> Pixels:
    return pyvips.Image.new_from_buffer(body, "", access="sequential").numpy()


if __name__ == "__main__":
    pyvips.cache_set_max(0)
    writers = {"as it comes": _writer()}
    for level in (1, 3):
        writers[f"level {level}, Paeth"] = _writer(compression=level, filter=PAETH)
    serve({"8": writers, "16": writers}, dict.fromkeys(("PNG", "PNG16", "JPEG", "WebP"), _read))
