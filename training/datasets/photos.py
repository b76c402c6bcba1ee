"""Photographs of a folder, decoded once into a memory-mapped file that patches are cut from."""

import hashlib
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    KeyError,
    MemoryError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)
"""What Pillow raises for damaged files."""
DEEPER = ("I", "F")
"""Pillow's modes of pixels of 32 bits."""

Pixels = NDArray[np.uint8]
"""An image (height, width, 3)."""


@dataclass(frozen=True)
class Photos:
    """Decoded photographs, one after the other in a memory-mapped file.

    The operating system caches what is read of the file, once for all processes.

    Args:
        path: The file.
        sizes: Height and width of each photograph, in the file's order.
    """

    path: Path
    sizes: tuple[tuple[int, int], ...]

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def pixels(self) -> int:
        """The number of pixels of all photographs together."""
        return sum(height * width for height, width in self.sizes)

    def arrays(self) -> list[Pixels]:
        """Return the photographs, uint8 (height, width, 3) each, as views of the file."""
        ends = np.cumsum([height * width * 3 for height, width in self.sizes])
        parts = np.split(np.memmap(self.path, np.uint8, "r")[: ends[-1]], ends[:-1])
        return [
            part.reshape(height, width, 3)
            for part, (height, width) in zip(parts, self.sizes, strict=True)
        ]

    def extended(self, images: Iterable[Pixels]) -> "Photos":
        """Return the photographs with other images appended to their file."""
        sizes = list(self.sizes)
        with self.path.open("ab") as out:
            for image in images:
                out.write(image.tobytes())
                sizes.append(image.shape[:2])
        return Photos(self.path, tuple(sizes))


@dataclass(frozen=True)
class Folder:
    """Image files under a folder, sorted by path.

    Args:
        root: The folder.
        paths: The files, all or some of those under the folder.

    Raises:
        FileNotFoundError: There are no files.
    """

    root: Path
    paths: tuple[Path, ...]

    def __post_init__(self) -> None:
        if not self.paths:
            raise FileNotFoundError(f"{self.root}: expected a folder with images, received none")

    def __len__(self) -> int:
        return len(self.paths)

    def split(self, every: int) -> tuple["Folder", "Folder"]:
        """Hold out each file whose index is a multiple of `every`.

        Returns:
            The other files, and the files held out.

        Raises:
            FileNotFoundError: Every file would be held out.
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
    """Return the images under a folder, without hidden files and folders.

    Those are no photographs: macOS keeps metadata in `._x.jpg` beside `x.jpg`, and file managers
    and version control keep copies and thumbnails in hidden folders.

    Raises:
        FileNotFoundError: There are none.
    """
    found = sorted(path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES)
    return Folder(root, tuple(path for path in found if path.is_file() and not hidden(path, root)))


def hidden(path: Path, root: Path) -> bool:
    """Return whether a file, or a folder that it is in below a root, is hidden."""
    return any(part.startswith(".") for part in path.relative_to(root).parts)


def open_image(path: Path | BinaryIO) -> Pixels:
    """Decode an image, upright by its EXIF, on black, and 16-bit gray rounded to 8 bits.

    Returns:
        uint8 (height, width, 3).

    Raises:
        ValueError: The file cannot be decoded as an image.
    """
    try:
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image)
            if upright.mode.startswith("I;16"):  # Pillow would clip everything above 255 to white
                deep = np.asarray(upright).astype(np.uint32)
                upright = Image.fromarray(((deep + 128) // 257).astype(np.uint8))
            elif upright.mode in DEEPER:  # of which Pillow clips what is not in 0 to 255
                raise ValueError("numbers of 32 bits, expected 8 or 16")
            if upright.has_transparency_data:  # black, as the service has it
                seen = upright.convert("RGBA")
                upright = Image.alpha_composite(Image.new("RGBA", seen.size, "black"), seen)
            return np.asarray(upright.convert("RGB"))
    except UNREADABLE as error:
        raise ValueError(f"{path}: expected an image, received: {error}") from error


def middle(image: Pixels, size: int) -> Pixels:
    """Return the central size x size pixels of an image; a shorter side is kept whole."""
    top, left = (max(0, (length - size) // 2) for length in image.shape[:2])
    return image[top : top + size, left : left + size]


def decode(images: Folder, file: Path, *, at_least: int) -> Photos:
    """Decode images into one file, which is overwritten.

    Args:
        images: The images.
        file: The file to write.
        at_least: Images with a side of fewer pixels are left out.

    Returns:
        The photographs in the file.

    Raises:
        ValueError: A file is no image, or all images are too small.
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
