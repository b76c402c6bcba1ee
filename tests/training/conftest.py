"""Small samples of the real data."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from training.datasets import fashion_mnist
from training.datasets.fashion_mnist import FashionMnist

SAMPLES = Path(__file__).parents[1] / "data" / "fashion_mnist"


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of samples: 1,200 training and 200 test images."""
    return SAMPLES


@pytest.fixture(scope="session")
def data() -> FashionMnist:
    """The samples: 1,100 images to train on, 100 to validate with, 200 to test with."""
    return fashion_mnist.load(SAMPLES)
