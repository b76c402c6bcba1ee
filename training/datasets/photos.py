"""Photographs of any folder, decoded once, so that cutting patches reads no file again."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Photos:
    """Pixels of photographs one after the other in a file that is mapped to memory.

    path: the file; sizes: height and width of each photograph, in the file's order. What is read
    of it the operating system keeps in memory, once for all processes, as far as there is memory.
    """

    path: Path
    sizes: tuple[tuple[int, int], ...]

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def pixels(self) -> int:
        """How many pixels all photographs have together."""
        return sum(height * width for height, width in self.sizes)

    def arrays(self) -> list[Pixels]:
        """Return the photographs, uint8 (height, width, 3) each, as views of the file."""
        ends = np.cumsum([height * width * 3 for height, width in self.sizes])
        parts = np.split(np.memmap(self.path, np.uint8, "r"), ends[:-1])
        return [
            part.reshape(height, width, 3)
            for part, (height, width) in zip(parts, self.sizes, strict=True)
        ]


@dataclass(frozen=True)
class Folder:
    """Images of a folder and of all folders in it: all of them, or some, in order of their names.

    Raises FileNotFoundError where there are none.
    """

    root: Path
    paths: tuple[Path, ...]

    def __post_init__(self) -> None:
        if not self.paths:
            raise FileNotFoundError(f"{self.root}: expected a folder with images, received none")

    def __len__(self) -> int:
        return len(self.paths)

    def split(self, every: int) -> tuple["Folder", "Folder"]:
        """Return all images but those whose place is a multiple of every, and these.

        Raises FileNotFoundError where that leaves nothing for the first.
        """
        kept = (path for index, path in enumerate(self.paths) if index % every)
        return Folder(self.root, tuple(kept)), Folder(self.root, self.paths[::every])

    def digest(self) -> str:
        """Return the SHA-256 of the names and sizes of the files, as hexadecimal digits."""
        lines = [
            f"{path.relative_to(self.root).as_posix()}\t{path.stat().st_size}\n"
            for path in self.paths
        ]
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def folder(root: Path) -> Folder:
    """Return the images in a folder and in all folders in it.

    Raises FileNotFoundError where there is none.
    """
    found = sorted(path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES)
    return Folder(root, tuple(path for path in found if path.is_file()))


def open_image(path: Path) -> Pixels:
    """Return an image as it is looked at, upright and in colour: uint8 (height, width, 3).

    Gray of 16 bits is rounded to 8. Raises ValueError where the file cannot be read as an image.
    """
    try:
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image)
            if upright.mode.startswith("I;16"):  # Pillow would make white of all above 255
                deep = np.asarray(upright).astype(np.uint32)
                upright = Image.fromarray(((deep + 128) // 257).astype(np.uint8))
            return np.asarray(upright.convert("RGB"))
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path}: expected an image, received: {error}") from error


def middle(image: Pixels, size: int) -> Pixels:
    """Return the middle size x size pixels of an image (height, width, 3), a shorter side whole."""
    top, left = (max(0, (length - size) // 2) for length in image.shape[:2])
    return image[top : top + size, left : left + size]


def decode(images: Folder, file: Path, *, at_least: int) -> Photos:
    """Decode images into one file, and return what is in it.

    Images with a side shorter than at_least pixels are left out. Raises ValueError where a file
    is no image, or all are too small.
    """
    sizes = []
    with file.open("wb") as out:
        for path in images.paths:
            pixels = open_image(path)
            if min(pixels.shape[:2]) >= at_least:
                out.write(pixels.tobytes())
                sizes.append(pixels.shape[:2])
    if not sizes:
        raise ValueError(
            f"{images.root}: expected images of at least {at_least} x {at_least} pixels, received "
            f"{len(images)} smaller ones"
        )
    return Photos(file, tuple(sizes))
