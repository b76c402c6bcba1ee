"""Zips of photographs, sent and answered."""

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

import httpx
from PIL import Image

from tests.service.photograph_files import encoded, samples

ZIP = {"Content-Type": "application/zip"}


TO_ZIP, TO_MIXED = {"Accept": "application/zip"}, {"Accept": "multipart/mixed"}


FORMATS = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP", "tif": "TIFF"}


def file(kind: str, width: int, height: int) -> bytes:
    return encoded(Image.fromarray(samples(3, size=(height, width))), FORMATS[kind])


SENT = {
    "b.png": file("png", 40, 30),
    "holidays/a.JPG": file("jpg", 17, 61),
    "notes.txt": b"no photograph",
    "holidays/日本.webp": file("webp", 33, 9),
    "cut.png": file("png", 20, 20)[:100],
    "a.jpg": file("jpg", 64, 64),
    "scan": file("tif", 12, 12),
}


def zipped(files: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


ONE = zipped({"a.png": file("png", 20, 20)})


def unzipped(answer: httpx.Response) -> tuple[dict[str, bytes], list[dict[str, Any]]]:
    """The photographs of a zip by name, and those of its manifest."""
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        files = {info.filename: archive.read(info) for info in archive.infolist()}
    *_, last = files
    assert last == "manifest.json"
    manifest = json.loads(files.pop("manifest.json"))
    assert set(manifest) == {"model", "version", "photographs"}
    return files, manifest["photographs"]
