"""Input images: test images of Fashion-MNIST with half of the pixels dead."""

import gzip
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

FILE = Path(__file__).parents[1] / "tests/data/fashion_mnist/t10k-images-idx3-ubyte.gz"


def noisy(count: int) -> Floats:
    """Return images (count, 28, 28) in [0, 1], the same every time; they repeat after 200."""
    pixels = np.frombuffer(gzip.decompress(FILE.read_bytes()), np.uint8, offset=16)
    images = np.resize(pixels.reshape(-1, 28, 28), (count, 28, 28)) / np.float32(255)
    alive = np.random.default_rng(0).random(images.shape) >= 0.5
    return (images * alive).astype(np.float32)
