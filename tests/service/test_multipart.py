"""Forms: only the content of the parts and their name matter."""

import httpx
import pytest

from service.api.codecs.multipart import files
from service.errors import InvalidValue, MalformedBody
from tests.service.test_denoise_photographs import picture


def form(*headers: bytes, content: bytes = b"content") -> bytes:
    return b"\r\n".join((b"--XbX", *headers, b"", content, b"--XbX--", b""))


NAME = b'Content-Disposition: form-data; name="file"'


@pytest.mark.parametrize(
    "headers",
    [
        (NAME,),
        (NAME + b'; filename="caf\xe9.png"',),
        (NAME + b'; filename="\x83\x65\x83\x58\x83\x67.png"',),
        (NAME + 'filename="naïve 日本.png"'.encode(),),
        (NAME + b'; filename="' + b"x" * 10_000 + b'.png"',),
        (NAME + b"; filename*=UTF-16''%ff%fe",),
        (NAME + b'; filename="a.png"; x-owner="\xff\xfe"',),
        (NAME + b'; filename="C:\\pictures\\a.png"',),
        (NAME + b'; filename=""',),
        (NAME, b"Content-Type: image/\xe9"),
        (NAME, b"Content-Type: text/plain; charset=none-such"),
        (NAME, b"Content-Transfer-Encoding: binary", b"X-Comment: \xff"),
        (NAME, *(b"X-Header-%d: value" % number for number in range(30))),
    ],
)
def test_whatever_else_a_part_says_is_left_alone(headers: tuple[bytes, ...]) -> None:
    assert files(form(*headers), "XbX") == [b"content"]


async def test_a_files_name_in_another_charset_is_no_fault(client: httpx.AsyncClient) -> None:
    sent = form(NAME + b'; filename="caf\xe9.png"', content=picture(8, 8))
    headers = {"Content-Type": "multipart/form-data; boundary=XbX"}
    answer = await client.post("/denoise?model=photo", content=sent, headers=headers)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/png")


@pytest.mark.parametrize(
    ("name", "received"),
    [("naïve", "naïve"), ("file ", "file "), ("\udce9", "\ufffd")],
)
def test_a_part_of_another_name_is_named(name: str, received: str) -> None:
    header = f'Content-Disposition: form-data; name="{name}"'.encode("utf-8", "surrogateescape")
    with pytest.raises(InvalidValue, match=f"received {received}$"):
        files(form(header), "XbX")


@pytest.mark.parametrize(
    "headers",
    [(), (b"Content-Type: image/png",), (NAME, b"no colon"), (b"Content-Disposition: x",)],
)
def test_a_part_without_a_name_or_with_broken_headers_is_refused(
    headers: tuple[bytes, ...],
) -> None:
    with pytest.raises(MalformedBody, match=r"body: expected multipart/form-data, received: "):
        files(form(*headers), "XbX")
