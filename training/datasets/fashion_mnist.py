"""Fashion-MNIST: 60,000 training and 10,000 test images of clothes (Xiao et al., 2017)."""

import gzip
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
LICENCE = "MIT"
CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip


@dataclass(frozen=True)
class FashionMnist:
    """Images float32 (n, 28, 28) in [0, 1]; validation: the last twelfth of the training images."""

    train: NDArray[np.float32]
    validation: NDArray[np.float32]
    test: NDArray[np.float32]
    validation_labels: NDArray[np.uint8]


def load(folder: Path | None = None, *, subset: int | None = None) -> FashionMnist:
    """Return the data set.

    It is taken from the folder, or that of $FASHION_MNIST, or that of Debian's package, or Keras
    downloads it. A folder holds the four original gzip-compressed IDX files. With subset, only the
    first that many training images are kept, and a tenth as many of the others.
    Raises FileNotFoundError where a folder that was named lacks a file, ValueError for a file that
    is not IDX.
    """
    named = folder or (Path(value) if (value := os.environ.get("FASHION_MNIST")) else None)
    if named or DEBIAN.is_dir():
        (images, labels), (test, _) = _read_folder(named or DEBIAN)
    else:
        import keras  # only here: whoever has the files can evaluate without Keras

        (images, labels), (test, _) = keras.datasets.fashion_mnist.load_data()
    held_out = len(images) // 12
    few = None if subset is None else max(1, subset // 10)
    return FashionMnist(
        train=_to_floats(images[:-held_out][:subset]),
        validation=_to_floats(images[-held_out:][:few]),
        test=_to_floats(test[:few]),
        validation_labels=labels[-held_out:][:few],
    )


Part = tuple[NDArray[np.uint8], NDArray[np.uint8]]


def _read_folder(folder: Path) -> tuple[Part, Part]:
    def part(stem: str) -> Part:
        return _read_idx(folder / f"{stem}-images-idx3-ubyte.gz"), _read_idx(
            folder / f"{stem}-labels-idx1-ubyte.gz"
        )

    return part("train"), part("t10k")


def _read_idx(path: Path) -> NDArray[np.uint8]:
    """Two zeros, 8 for unsigned bytes, the number of dimensions, each size big-endian, the data."""
    content = gzip.decompress(path.read_bytes())
    if content[:3] != b"\0\0\x08":
        raise ValueError(
            f"{path}: expected an IDX file of unsigned bytes, received {content[:4]!r}"
        )
    sizes = np.frombuffer(content, ">u4", count=content[3], offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * content[3]).reshape(sizes)


def _to_floats(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    return images.astype(np.float32) / np.float32(255)
