"""Limits that no format has for itself: each is an error that names it, and soon there."""

import gzip
import zlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx
import pytest

from service.errors import LONGEST
from tests.service.asgi import check_problem
from tests.service.conftest import client_of
from tests.service.open_inference_requests import DENOISE, check_error

NPY, JSON = "application/x-npy", "application/json"
FORM = "multipart/form-data; boundary=b"
MANY = 9_000_000
PART = b'--b\r\nContent-Disposition: form-data; name="file"'


def form(count: int, more: bytes = b"") -> bytes:
    return (PART + more + b"\r\n\r\nx\r\n") * count + b"--b--\r\n"


@pytest.fixture(scope="module")
async def limited(tiny_models: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a service that takes bodies of a megabyte."""
    client = client_of(tiny_models, port=0, max_body_bytes=1_000_000)
    yield client
    await client.aclose()


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (gzip.compress(bytes(MANY)), {"Content-Encoding": "gzip"}, 413, "body-too-large"),
        (zlib.compress(bytes(MANY)), {"Content-Encoding": "deflate"}, 413, "body-too-large"),
        (b"", {"Content-Encoding": "br"}, 415, "unsupported-media-type"),
        (b"", {"Content-Encoding": "gzip, gzip"}, 415, "unsupported-media-type"),
        (b"[" * 2000, {"Content-Type": JSON}, 400, "malformed-body"),
        (b'{"inputs":' * 2000, {"Content-Type": JSON}, 400, "malformed-body"),
        (b'{"inputs":[1' + b"0" * 100_000 + b"]}", {"Content-Type": JSON}, 400, "malformed-body"),
        (b'{"inputs":[' + b"1," * 9 + b"]}", {"Content-Type": JSON}, 400, "malformed-body"),
        (form(1025), {"Content-Type": FORM}, 400, "malformed-body"),
        (form(1, b"\r\nX: y" * 64), {"Content-Type": FORM}, 400, "malformed-body"),
        (form(1, b"\r\nX: " + b"y" * 65_536), {"Content-Type": FORM}, 400, "malformed-body"),
    ],
)
async def test_a_body_beyond_a_limit_is_refused(
    limited: httpx.AsyncClient,
    body: bytes,
    headers: Mapping[str, str],
    status: int,
    code: str,
) -> None:
    answer = await limited.post("/denoise", content=body, headers={"Content-Type": NPY, **headers})
    check_problem(answer, status, code)


async def test_an_error_quotes_no_more_than_can_be_read(limited: httpx.AsyncClient) -> None:
    names = [{"name": f"output-{n}"} for n in range(20_000)]
    tensor = {"name": "images", "shape": [1, 4, 4], "datatype": "FP32", "data": [0] * 16}
    answer = await limited.post(DENOISE, json={"inputs": [tensor], "outputs": names})
    detail = check_error(answer, 422)
    assert detail.startswith("outputs: expected reconstructions alone, received output-0, ")
    assert len(detail) == LONGEST + len("...")
