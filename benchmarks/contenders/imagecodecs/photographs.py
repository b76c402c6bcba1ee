"""imagecodecs: libpng as it comes, and by Paeth's filter and runs, as the service does."""

import imagecodecs
from stopwatch import Pixels, serve


def _writer(level: int | None = None, **settings: int):
    def write(pixels: Pixels) -> bytes:
        return imagecodecs.png_encode(pixels, level, **settings)

    return write


if __name__ == "__main__":
    png = imagecodecs.PNG
    fast = _writer(1, strategy=png.STRATEGY.RLE, filter=png.FILTER.PAETH)
    writers = {"as it comes": _writer(), "level 1, runs, Paeth": fast}
    serve(
        {"8": writers, "16": writers},
        {
            "PNG": imagecodecs.png_decode,
            "PNG16": imagecodecs.png_decode,
            "JPEG": imagecodecs.jpeg8_decode,
            "WebP": imagecodecs.webp_decode,
        },
    )
