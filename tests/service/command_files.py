"""What the tests of the command `denoise` give it: a model, and folders of photographs."""

from pathlib import Path

from PIL import Image

from service.images.encode import write
from service.images.formats import PNG
from tests.service.photograph_files import (
    SRGB,
    encoded,
    exif,
    photograph,
    samples,
    smooth,
)
from tests.service.tiny import write_model

FILES = {
    "colour.png": encoded(smooth(), "PNG"),
    "gray.png": encoded(smooth("L"), "PNG"),
    "deep.png": write(photograph(samples(3, 16)), PNG),
    "alpha.png": encoded(Image.fromarray(samples(4)), "PNG", icc_profile=SRGB),
    "turned.jpg": encoded(smooth(), "JPEG", exif=b"Exif\0\0" + exif("<", 6), icc_profile=SRGB),
    "clear.webp": encoded(Image.fromarray(samples(4)), "WEBP", lossless=True),
    "inks.jpeg": encoded(smooth("CMYK"), "JPEG"),
}


def model_in(root: Path) -> list[str]:
    """Write the tiny model of photographs to a folder; return the flags for it."""
    write_model(root, "photo")
    return [f"--models={root}", "--device=cpu"]


def folder_in(root: Path) -> Path:
    """Fill a folder with photographs, one in a folder of its own, and what is none; return it."""
    (root / "below" / "deeper").mkdir(parents=True)
    (root / "a.png").write_bytes(FILES["colour.png"])
    (root / "below" / "b.JPG").write_bytes(FILES["turned.jpg"])
    (root / "below" / "deeper" / "c.webp").write_bytes(FILES["clear.webp"])
    (root / "below" / "notes.txt").write_text("none")
    (root / "._a.png").write_bytes(b"of another system")
    return root


def files(root: Path) -> list[str]:
    """The paths of all files below a folder."""
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
