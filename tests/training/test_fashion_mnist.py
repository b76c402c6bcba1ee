"""Fashion-MNIST is read from its own files, wherever they are."""

import gzip
import shutil
import socket
from pathlib import Path

import numpy as np
import pytest

from training.datasets import fashion_mnist
from training.datasets.fashion_mnist import FILES, FashionMnist


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


@pytest.mark.parametrize("source", ["argument", "variable", "package"])
@pytest.mark.parametrize("missing", [FILES, *((each,) for each in FILES)], ids=str)
def test_a_folder_without_the_files_is_named_with_what_it_lacks(
    samples: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    missing: tuple[str, ...],
    source: str,
) -> None:
    folder = shutil.copytree(samples, tmp_path / "data")
    for name in missing:
        (folder / name).unlink()
    monkeypatch.setattr(fashion_mnist, "DEBIAN", folder)
    monkeypatch.delenv("FASHION_MNIST", raising=False)
    if source == "variable":
        monkeypatch.setenv("FASHION_MNIST", str(folder))
    with pytest.raises(FileNotFoundError) as caught:
        fashion_mnist.load(folder if source == "argument" else None)
    assert str(caught.value) == (
        f"{'FASHION_MNIST=' if source == 'variable' else ''}{folder}: expected a folder of "
        f"Fashion-MNIST's files ({', '.join(FILES)}), received it "
        f"without {', '.join(missing)}"
    )


@pytest.mark.parametrize("is_file", [False, True])
@pytest.mark.parametrize("source", ["argument", "variable"])
def test_a_folder_that_does_not_exist_is_named(
    samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, is_file: bool
) -> None:
    folder = samples / FILES[0] if is_file else tmp_path / "nothing"
    named = str(folder)
    if source == "variable":
        monkeypatch.setenv("FASHION_MNIST", str(folder))
        named = f"FASHION_MNIST={folder}"
    with pytest.raises(FileNotFoundError, match=f"{named}: expected a folder.*received no folder"):
        fashion_mnist.load(folder if source == "argument" else None)


def test_what_to_do_without_a_network_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keras.src.utils.file_utils.config.keras_home", lambda: str(tmp_path))
    monkeypatch.setattr(fashion_mnist, "DEBIAN", tmp_path / "nothing")
    monkeypatch.delenv("FASHION_MNIST", raising=False)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(FileNotFoundError) as caught:
        fashion_mnist.load()
    message = str(caught.value)
    assert message.startswith("--data: expected a folder of Fashion-MNIST's files (train-images-")
    assert "Keras cannot download them: URL fetch failure" in message
    assert "FASHION_MNIST can name the folder" in message
    assert f"package dataset-fashion-mnist installs it as {tmp_path}" in message


def idx(array: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    header = b"\0\0\x08" + bytes([array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return gzip.compress(header + array.tobytes())


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_damaged_anywhere_is_named(samples: Path, tmp_path: Path, name: str) -> None:
    folder = shutil.copytree(samples, tmp_path / "data")
    whole = (folder / name).read_bytes()
    data = gzip.decompress(whole)
    damaged = [
        b"",
        b"no gzip file",
        whole[:10],
        whole[: len(whole) // 2],
        whole[:-4],
        whole[:20] + b"\xff\0\xff\0" + whole[24:],
        gzip.compress(b""),
        gzip.compress(b"nothing"),
        gzip.compress(data[:7]),
        gzip.compress(data[:-1]),
        gzip.compress(data + b"\0"),
        gzip.compress(b"\0\0\x0d" + data[3:]),
    ]
    for content in damaged:
        (folder / name).write_bytes(content)
        with pytest.raises(ValueError, match=name):
            fashion_mnist.load(folder)


def test_as_many_labels_as_images_are_expected(samples: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(samples, tmp_path / "data")
    shutil.copy(folder / FILES[2], folder / FILES[0])  # 200 test images beside 1,200 labels
    with pytest.raises(
        ValueError,
        match=r"train-labels-idx1-ubyte.gz: expected 200 labels, one for each image of "
        r"train-images-idx3-ubyte.gz, received an array of shape \(1200,\)",
    ):
        fashion_mnist.load(folder)


@pytest.mark.parametrize(
    ("name", "array", "text"),
    [
        (FILES[0], np.zeros((1200, 32, 32), np.uint8), "at least 12 images of 28x28, received"),
        (FILES[0], np.zeros((1200, 784), np.uint8), "at least 12 images of 28x28, received"),
        (FILES[0], np.zeros((11, 28, 28), np.uint8), "at least 12 images of 28x28, received"),
        (FILES[2], np.zeros((0, 28, 28), np.uint8), "at least 1 images of 28x28, received"),
        (FILES[3], np.zeros((200, 1), np.uint8), "expected 200 labels"),
        (FILES[3], np.full(200, 10, np.uint8), "expected labels of 0 to 9, received 10"),
    ],
)
def test_a_file_of_other_images_or_labels_is_refused(
    samples: Path,
    tmp_path: Path,
    name: str,
    array: np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
    text: str,
) -> None:
    folder = shutil.copytree(samples, tmp_path / "data")
    (folder / name).write_bytes(idx(array))
    with pytest.raises(ValueError, match=text):
        fashion_mnist.load(folder)


def test_a_damaged_download_is_named(
    samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keras.src.utils.file_utils.config.keras_home", lambda: str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(fashion_mnist, "DEBIAN", tmp_path / "nothing")
    monkeypatch.delenv("FASHION_MNIST", raising=False)
    cache = shutil.copytree(samples, tmp_path / "datasets" / "fashion-mnist")
    whole = (cache / FILES[0]).read_bytes()
    (cache / FILES[0]).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="datasets/fashion-mnist: expected"):
        fashion_mnist.load()
    shutil.copy(cache / FILES[2], cache / FILES[0])  # 200 test images beside 1,200 labels
    with pytest.raises(ValueError, match="datasets/fashion-mnist: expected"):
        fashion_mnist.load()
