"""The targets by name, each imported where it is needed."""

import importlib

from tests.fuzz.target import Target

NAMES = (
    "query",
    "negotiation",
    "npy",
    "json_arrays",
    "rows",
    "multipart",
    "tensors",
    "archive",
    "keys",
    "content_coding",
    "http",
    "exif",
    "xmp",
    "icc",
    "photoshop",
    "tiff_directory",
    "boxes",
    "jpeg_segments",
    "png_chunks",
    "metadata",
    "png",
    "jpeg",
    "webp",
    "tiff",
    "avif",
    "heic",
    "bmp",
    "gif",
    "jpeg_2000",
    "jxl",
    "raw",
)


def target_of(name: str) -> Target:
    """Return a target. Raises KeyError for a name that is none."""
    if name not in NAMES:
        raise KeyError(name)
    found: Target = importlib.import_module(f"tests.fuzz.targets.{name}").TARGET
    return found
