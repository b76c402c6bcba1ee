"""Fashion-MNIST is read from its own files, wherever they are."""

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest

from training.datasets import fashion_mnist
from training.datasets.fashion_mnist import FashionMnist


def test_the_last_twelfth_of_the_training_images_is_held_out(data: FashionMnist) -> None:
    assert data.train.shape == (1100, 28, 28)
    assert data.validation.shape == (100, 28, 28)
    assert data.validation_labels.shape == (100,)
    assert data.test.shape == (200, 28, 28)


def test_pixels_are_floats_from_0_to_1(data: FashionMnist) -> None:
    assert data.train.dtype == np.float32
    assert (data.train.min(), data.train.max()) == (0, 1)


def test_a_subset_holds_the_first_images(samples: Path, data: FashionMnist) -> None:
    few = fashion_mnist.load(samples, subset=50)
    np.testing.assert_array_equal(few.train, data.train[:50])
    np.testing.assert_array_equal(few.validation, data.validation[:5])
    assert len(few.test) == len(few.validation_labels) == 5


def test_the_environment_names_the_folder(samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASHION_MNIST", str(samples))
    assert len(fashion_mnist.load().train) == 1100


def test_keras_downloads_it_where_no_folder_has_it(
    samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Keras looks for the same four files in its cache before it asks the network.
    monkeypatch.setattr("keras.src.utils.file_utils.config.keras_home", lambda: str(tmp_path))
    cache = tmp_path / "datasets" / "fashion-mnist"
    shutil.copytree(samples, cache)
    monkeypatch.setattr(fashion_mnist, "DEBIAN", tmp_path / "nothing")
    monkeypatch.delenv("FASHION_MNIST", raising=False)
    assert len(fashion_mnist.load(subset=10).train) == 10


def test_a_folder_without_the_files_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="train-images-idx3-ubyte"):
        fashion_mnist.load(tmp_path)


def test_a_file_that_is_not_idx_is_named(samples: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(samples, tmp_path / "data")
    (folder / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(b"nothing"))
    with pytest.raises(ValueError, match="expected an IDX file of unsigned bytes"):
        fashion_mnist.load(folder)
