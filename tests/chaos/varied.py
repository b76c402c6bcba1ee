"""Requests of every kind for the soak: operations, formats, sizes, parameters, and errors."""

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from tests.chaos.mix import JSON, NPY, PNG, crop
from tests.chaos.questions import as_json, as_npy, as_picture, post, request

ZIP, OCTETS = "application/zip", "application/octet-stream"
SIZES = ((8, 8), (33, 47), (64, 64), (200, 150), (384, 320), (417, 300))
"""Widths and heights of photographs: tiles of many sizes, small ones and one that is not."""
LARGE = (1000, 700)
"""Those of some photographs."""
KINDS: dict[str, dict[str, Any]] = {
    "PNG": {},
    "JPEG": {"quality": 90},
    "WEBP": {"quality": 80},
    "TIFF": {},
    "AVIF": {"speed": 10},
    "GIF": {},
    "BMP": {},
    "JPEG2000": {},
}
ANSWERED = ("image/png", "image/jpeg", "image/webp", "image/tiff", "image/avif")


class Asked(NamedTuple):
    """A request, and the status that it gets."""

    name: str
    request: bytes
    status: int = 200


def varied() -> list[Asked]:
    """Return one request of each kind."""
    return [*_arrays(), *_photographs(), *_several(), *_pages(), *_errors()]


def _arrays() -> Iterator[Asked]:
    draw = np.random.default_rng(1)
    for count in (1, 2, 7, 64, 200):
        images = draw.random((count, 28, 28), np.float32)
        for model in ("stacked", "convolutional", "sparse-kl", "recurrent"):
            yield Asked(
                f"{count} images by {model}", post(f"/encode?model={model}", as_json(images), JSON)
            )
        yield Asked(f"{count} images as npy", post("/denoise", as_npy(images), NPY))
        eight = (images * 255).astype(np.uint8)
        yield Asked(f"{count} images of 8 bits", post("/denoise", as_npy(eight), NPY))
        packed = gzip.compress(as_json(images))
        encoding = ("Content-Encoding", "gzip")
        yield Asked(f"{count} images in gzip", post("/encode", packed, JSON, encoding))
        codings = draw.random((count, 30), np.float32)
        body = as_json(codings)
        yield Asked(f"{count} codings", post("/decode?model=denoising-dropout", body, JSON))
    for steps in (1, 28, 100):
        body = as_json(draw.random((2, 30), np.float32))
        yield Asked(f"{steps} steps", post(f"/decode?model=recurrent&steps={steps}", body, JSON))


def _photographs() -> Iterator[Asked]:
    for size in SIZES:
        for kind, options in KINDS.items():
            body = as_picture(crop(size[0], size), kind, **options)
            yield Asked(f"{kind} of {size}", post("/denoise?sigma=15", body, "image/*"))
    for kind in ("PNG", "JPEG"):
        body = as_picture(crop(9, LARGE), kind)
        yield Asked(f"{kind} of {LARGE}", post("/denoise", body, "image/*"))
    body = as_picture(crop(3, (200, 150)))
    for answered in ANSWERED:
        yield Asked(f"PNG to {answered}", post("/denoise", body, PNG, ("Accept", answered)))
    for query in ("strength=0.5", "effort=4", "region=20,30,64,50", "luma=0.2&chroma=1", "sigma=0"):
        yield Asked(query, post(f"/denoise?{query}", body, PNG))
    for mode in ("L", "RGBA", "P", "I;16"):
        picture = Image.fromarray(crop(4, (200, 150)))
        if mode == "I;16":
            picture = Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)
        else:
            picture = picture.convert(mode)
        stream = io.BytesIO()
        picture.save(stream, "PNG")
        yield Asked(f"PNG of {mode}", post("/denoise", stream.getvalue(), PNG))


def _several() -> Iterator[Asked]:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number, size in enumerate(SIZES):
            archive.writestr(f"{number}.jpg", as_picture(crop(number, size), "JPEG"))
        archive.writestr("notes.txt", "no photograph")
    yield Asked("zip", post("/denoise?sigma=10", packed.getvalue(), ZIP))
    yield Asked("broken zip", post("/denoise", packed.getvalue()[:-30], ZIP), 400)
    parts = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="files"; filename="%d.png"\r\n\r\n%s\r\n'
        % (number, as_picture(crop(number)))
        for number in range(4)
    )
    form = "multipart/form-data; boundary=x"
    accept = ("Accept", "multipart/mixed")
    yield Asked("form", post("/denoise?sigma=10", parts + b"--x--\r\n", form, accept))


def _pages() -> Iterator[Asked]:
    for path in (
        "/",
        "/docs",
        "/openapi.json",
        "/models",
        "/models/photo/1/card",
        "/metrics",
        "/v2",
    ):
        yield Asked(f"GET {path}", request("GET", path))
    for path in ("/health/live", "/health/ready", "/v2/models/photo.denoise/config"):
        yield Asked(f"GET {path}", request("GET", path))
    for told in ("unload", "load"):
        yield Asked(told, post(f"/v2/repository/models/sparse-l1.encode/{told}", b"{}", JSON))


def _errors() -> Iterator[Asked]:
    picture = as_picture(crop(5, (200, 150)), "JPEG")
    png = as_picture(crop(5, (200, 150)))
    header = b"IHDR" + (60_000).to_bytes(4, "big") * 2 + png[24:29]
    bomb = png[:12] + header + zlib.crc32(header).to_bytes(4, "big") + png[33:]
    nan = np.full((1, 28, 28), np.nan, np.float32)
    for name, asked, status in (
        ("half a JPEG", post("/denoise", picture[: len(picture) // 2], "image/jpeg"), 400),
        ("half a PNG", post("/denoise", png[: len(png) // 2], PNG), 400),
        ("a PNG that claims 3,600 megapixels", post("/denoise", bomb, PNG), 413),
        ("broken JSON", post("/encode", b'{"inputs": [[', JSON), 400),
        ("words for numbers", post("/encode", b'{"inputs": [["a"]]}', JSON), 422),
        ("another shape", post("/encode", as_json(np.zeros((1, 5, 5))), JSON), 422),
        ("NaN", post("/encode", as_npy(nan), NPY), 422),
        ("half an npy", post("/encode", as_npy(nan)[:200], NPY), 400),
        ("no model", post("/encode?model=none", as_json(np.zeros((1, 28, 28))), JSON), 404),
        ("no parameter", post("/denoise?what=1", png, PNG), 422),
        ("no format", post("/denoise", png, PNG, ("Accept", "text/html")), 406),
        ("no picture", post("/denoise", b"no picture at all", PNG), 415),
        ("broken gzip", post("/encode", b"no", JSON, ("Content-Encoding", "gzip")), 400),
        ("no path", request("GET", "/nowhere"), 404),
        ("no method", request("PUT", "/encode"), 405),
        ("no job", request("GET", "/jobs/" + "0" * 32), 404),
        ("no operation", post("/estimate", png, PNG), 409),
        ("no tensor", post("/v2/models/stacked.encode/infer", b"{}", JSON), 422),
    ):
        yield Asked(name, asked, status)
