"""Small samples of the real data."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# One thread is quicker for models this small, and does not spin where the machine is busy.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")

from training.datasets import fashion_mnist, photos
from training.datasets.fashion_mnist import FashionMnist
from training.datasets.photos import Folder

SAMPLES = Path(__file__).parents[1] / "data" / "fashion_mnist"


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of samples: 1,200 training and 200 test images."""
    return SAMPLES


@pytest.fixture(scope="session")
def data() -> FashionMnist:
    """The samples: 1,100 images to train on, 100 to validate with, 200 to test with."""
    return fashion_mnist.load(SAMPLES)


@pytest.fixture(scope="module")
def eager() -> Iterator[None]:
    """Run what trains as it is written: to compile it takes longer than a few steps of it."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="session")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """Four pictures of 260 to 290 pixels, smooth but for an edge, in colour."""
    root = tmp_path_factory.mktemp("photographs")
    random = np.random.default_rng(0)
    for number in range(4):
        coarse = Image.fromarray(random.integers(0, 256, (9, 8, 3), np.uint8))
        picture = np.array(coarse.resize((260 + 10 * number, 261), Image.Resampling.BICUBIC))
        picture[80:120, 60:150] //= 2
        Image.fromarray(picture).save(root / f"{number}.png")
    return photos.folder(root)
