"""Fashion-MNIST: 60,000 training and 10,000 test images of clothes (Xiao et al., 2017)."""

import gzip
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training import backend

VARIABLE = "FASHION_MNIST"
DEBIAN = Path("/usr/share/datasets/fashion-mnist")
FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
LICENCE = "MIT"
CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
HELD_OUT = 12
"""One in so many training images, at their end, is for validation."""

Part = tuple[NDArray[np.uint8], NDArray[np.uint8]]
"""Images (n, 28, 28) and their labels (n,)."""


@dataclass(frozen=True)
class FashionMnist:
    """The images, float32 (n, 28, 28) in [0, 1].

    Args:
        train: Images to train on.
        validation: The last twelfth of the training images.
        test: Images to test with.
        train_labels: Classes of the images to train on, uint8 (n,), indices of `CLASSES`.
        validation_labels: Those of the validation images.
        test_labels: Those of the test images.
    """

    train: NDArray[np.float32]
    validation: NDArray[np.float32]
    test: NDArray[np.float32]
    train_labels: NDArray[np.uint8]
    validation_labels: NDArray[np.uint8]
    test_labels: NDArray[np.uint8]


def load(folder: Path | None = None, *, subset: int | None = None) -> FashionMnist:
    """Return the data set from four gzip-compressed IDX files, as its authors publish it.

    Args:
        folder: Folder of the files, by default that of $FASHION_MNIST, else that of Debian's
            package, else Keras's cache, into which Keras downloads them.
        subset: Keep only that many training images, and a tenth as many of the others.

    Raises:
        FileNotFoundError: The folder lacks a file, or there is none and Keras cannot download the
            files.
        ValueError: A file is damaged or no IDX file, has images of another size, or has another
            number of images than of labels.
    """
    variable = os.environ.get(VARIABLE)
    if folder:
        (images, labels), (test, test_labels) = _read_folder(folder, str(folder))
    elif variable:
        (images, labels), (test, test_labels) = _read_folder(
            Path(variable), f"{VARIABLE}={variable}"
        )
    elif DEBIAN.is_dir():
        (images, labels), (test, test_labels) = _read_folder(DEBIAN, str(DEBIAN))
    else:
        (images, labels), (test, test_labels) = _download()
    held_out = len(images) // HELD_OUT
    few = None if subset is None else max(1, subset // 10)
    return FashionMnist(
        train=_to_floats(images[:-held_out][:subset]),
        validation=_to_floats(images[-held_out:][:few]),
        test=_to_floats(test[:few]),
        train_labels=labels[:-held_out][:subset],
        validation_labels=labels[-held_out:][:few],
        test_labels=test_labels[:few],
    )


def _download() -> tuple[Part, Part]:
    backend.load()
    import keras

    home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    cache = Path(home) / "datasets" / "fashion-mnist"
    try:
        parts: tuple[Part, Part] = keras.datasets.fashion_mnist.load_data()
    except (EOFError, ValueError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(
            f"{cache}: expected Fashion-MNIST's four files, received: {error}; Keras downloads "
            "them again where the folder is removed"
        ) from error
    except Exception as error:  # Keras raises no narrower one without a network
        raise FileNotFoundError(
            f"--data: expected a folder of Fashion-MNIST's files ({', '.join(FILES)}), received "
            f"none, and Keras cannot download them: {error}; {VARIABLE} can name the folder too, "
            f"and Debian's package dataset-fashion-mnist installs it as {DEBIAN}"
        ) from error
    for part, least in zip(parts, (HELD_OUT, 1), strict=True):
        _check(part, cache, cache, least)
    return parts


def _read_folder(folder: Path, name: str) -> tuple[Part, Part]:
    missing = [file for file in FILES if not (folder / file).is_file()]
    if missing:
        received = (
            f"it without {', '.join(missing)}"
            if folder.is_dir()
            else "no folder; with --name, models train on data of one's own"
        )
        raise FileNotFoundError(
            f"{name}: expected a folder of Fashion-MNIST's files ({', '.join(FILES)}), received "
            f"{received}"
        )

    def part(images: Path, labels: Path, least: int) -> Part:
        read = _read_idx(images), _read_idx(labels)
        _check(read, images, labels, least)
        return read

    train, train_labels, test, test_labels = (folder / file for file in FILES)
    return part(train, train_labels, HELD_OUT), part(test, test_labels, 1)


def _read_idx(path: Path) -> NDArray[np.uint8]:
    """Read an IDX file: 0, 0, 8 for uint8, the number of dimensions, big-endian sizes, data."""
    try:
        content = gzip.decompress(path.read_bytes())
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(
            f"{path}: expected a whole gzip-compressed file, received: {error}"
        ) from error
    start = 4 + 4 * content[3] if len(content) > 3 else 4
    if content[:3] != b"\0\0\x08" or len(content) < start:
        raise ValueError(
            f"{path}: expected an IDX file of unsigned bytes, received {content[:4]!r}"
        )
    sizes = [int(size) for size in np.frombuffer(content[4:start], ">u4")]
    expected = int(np.prod(sizes, dtype=object))
    if len(content) - start != expected:
        raise ValueError(
            f"{path}: expected {expected:,} bytes for an array of shape {tuple(sizes)}, received "
            f"{len(content) - start:,}"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(sizes)


def _check(part: Part, images: Path, labels: Path, least: int) -> None:
    pixels, classes = part
    if pixels.ndim != 3 or pixels.shape[1:] != (28, 28) or len(pixels) < least:
        raise ValueError(
            f"{images}: expected at least {least} images of 28x28, received an array of shape "
            f"{pixels.shape}"
        )
    if classes.shape != pixels.shape[:1]:
        raise ValueError(
            f"{labels}: expected {len(pixels):,} labels, one for each image of {images.name}, "
            f"received an array of shape {classes.shape}"
        )
    if classes.max() >= len(CLASSES):
        raise ValueError(
            f"{labels}: expected labels of 0 to {len(CLASSES) - 1}, received {classes.max()}"
        )


def _to_floats(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    return images.astype(np.float32) / np.float32(255)
