"""OpenCV on one thread: as it comes, and by Paeth's filter and runs, as the service does."""

import cv2
import numpy as np
from stopwatch import Pixels, serve


def _writer(*parameters: int):
    def write(pixels: Pixels) -> bytes:
        done, file = cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), parameters)
        assert done
        return file.tobytes()

    return write


def _read(body: bytes) -> Pixels:
    kind = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_ANYDEPTH
    return cv2.imdecode(np.frombuffer(body, np.uint8), kind)


if __name__ == "__main__":
    cv2.setNumThreads(1)
    paeth = (cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_PAETH)
    runs = (cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE)
    fast = _writer(cv2.IMWRITE_PNG_COMPRESSION, 1, *runs, *paeth)
    writers = {"as it comes": _writer(), "level 1, runs, Paeth": fast}
    serve({"8": writers, "16": writers}, dict.fromkeys(("PNG", "PNG16", "JPEG", "WebP"), _read))
