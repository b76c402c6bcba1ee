"""Pictures in a bucket: thumbnails of Fashion-MNIST, and photographs cut out of larger ones."""

import gzip
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from obstore.store import S3Store

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "tests" / "data" / "fashion_mnist" / "train-images-idx3-ubyte.gz"
PHOTOGRAPH = ROOT / "docs" / "examples" / "photo-noisy.jpg"
SHORTEST, LONGEST = 64, 512
"""Pixels of a side of a photograph, as far as what it is cut out of reaches: any number between,
small ones as often as large ones."""
FORMATS = (("png", "PNG"), ("jpg", "JPEG"), ("webp", "WEBP"))
KINDS = (".png", ".jpg", ".jpeg", ".webp")
SEED = 0


def thumbnails(count: int) -> Iterator[tuple[str, bytes]]:
    """Yield the names and files of thumbnails: PNGs of 28x28 pixels in gray, no two alike.

    Once there are no more images, they come again, moved a pixel to the right each time.
    """
    pixels = np.frombuffer(gzip.decompress(IMAGES.read_bytes()), np.uint8, offset=16)
    images = pixels.reshape(-1, 28, 28)
    for number in range(count):
        times, index = divmod(number, len(images))
        yield f"{number:05}.png", _file(Image.fromarray(np.roll(images[index], times, 1)), "PNG")


def photographs(count: int, folder: Path | None) -> Iterator[tuple[str, bytes]]:
    """Yield the names and files of photographs of any size, in turn PNG, JPEG and WebP.

    Args:
        count: How many.
        folder: The photographs that they are cut out of; None for one of the examples.
    """
    random = np.random.default_rng(SEED)
    paths = sorted(each for each in (folder or ROOT).glob("*") if each.suffix.lower() in KINDS)
    for number in range(count):
        with Image.open(paths[number % len(paths)] if folder else PHOTOGRAPH) as opened:
            whole = opened.convert("RGB")
        wanted = np.exp(random.uniform(np.log(SHORTEST), np.log(LONGEST), 2)).astype(int)
        width, height = np.minimum(wanted, whole.size)
        left, top = random.integers(0, np.subtract(whole.size, (width, height)) + 1)
        suffix, form = FORMATS[number % len(FORMATS)]
        part = whole.crop((int(left), int(top), int(left + width), int(top + height)))
        yield f"{number:05}.{suffix}", _file(part, form)


def mixed(small: dict[str, bytes], large: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield thumbnails and photographs, spread evenly."""
    named = [("thumbnail", small), ("photograph", large)]
    for kind, files in named:
        for number, (name, file) in enumerate(files.items()):
            suffix = name.rpartition(".")[2]
            yield f"{number / len(files):.6f}-{kind}.{suffix}".replace("0.", "", 1), file


def put(bucket: "S3Store", prefix: str, files: dict[str, bytes]) -> None:
    """Write files into a bucket."""
    import obstore

    with ThreadPoolExecutor(8) as pool:
        list(
            pool.map(
                lambda each: obstore.put(bucket, f"{prefix}/{each[0]}", each[1]), files.items()
            )
        )


def _file(image: Image.Image, form: str) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form)
    return stream.getvalue()
