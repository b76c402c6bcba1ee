"""Forms: files and parameters by the names of their parts; whatever else a part says may be."""

from typing import Any

import httpx
import pytest

from service.api.codecs.multipart import NAMES, read
from service.errors import InvalidValue, MalformedBody
from tests.service.asgi import check_problem
from tests.service.photograph_requests import picture


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
    assert [file.content for file in read(form(*headers), "XbX").files] == [b"content"]


async def test_a_files_name_in_another_charset_is_no_fault(client: httpx.AsyncClient) -> None:
    sent = form(NAME + b'; filename="caf\xe9.png"', content=picture(8, 8))
    headers = {"Content-Type": "multipart/form-data; boundary=XbX"}
    answer = await client.post("/denoise?model=photo", content=sent, headers=headers)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/png")


@pytest.mark.parametrize(
    ("filename", "received"),
    [
        (b'filename="caf\xe9.png"', "caf\ufffd.png"),
        ('filename="naïve 日本.png"'.encode(), "naïve 日本.png"),
        (b"filename*=UTF-8''%e6%97%a5%e6%9c%ac.png", ""),  # RFC 7578, section 4.2: not in forms
        (b'filename="C:\\pictures\\a.png"', "a.png"),
        (b'filename="holidays/a.png"', "holidays/a.png"),
        (b'filename=""', ""),
    ],
)
def test_a_file_has_the_name_that_its_client_gave_it(filename: bytes, received: str) -> None:
    (file,) = read(form(NAME + b"; " + filename), "XbX").files
    assert file.name == received


@pytest.mark.parametrize("name", [*NAMES, "file[]", "files[]", "images[]"])
async def test_a_file_may_have_the_names_that_other_services_know(
    client: httpx.AsyncClient, name: str
) -> None:
    sent = {name: ("a.png", picture(8, 8))}
    answer = await client.post("/denoise?model=photo", files=sent)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/png")


async def test_a_file_in_a_part_of_another_name_is_told_where_it_belongs(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.post("/denoise?model=photo", files={"attachment": ("a", picture(8, 8))})
    detail = check_problem(answer, 422, "invalid-value")
    assert detail == (
        f"body: expected files in parts named {', '.join(NAMES)}, "
        "received one in a part named attachment"
    )


@pytest.mark.parametrize(
    ("operation", "fields"),
    [
        ("denoise", {"model": "photo", "sigma": "20", "luma": "0.5", "region": "1,2,5,3"}),
        ("denoise", {"model": "half", "version": "1", "fit": "true"}),
        ("encode", {"model": "mirror", "fit": "true"}),
    ],
)
async def test_parameters_may_be_fields_of_the_form(
    client: httpx.AsyncClient, operation: str, fields: dict[str, str]
) -> None:
    files = {"file": ("a.png", picture(16, 16))}
    in_query = await client.post(f"/{operation}", files=files, params=fields)
    in_form = await client.post(f"/{operation}", files=files, data=fields)
    names = [name for name in fields if name != "model"]
    half = {name: fields[name] for name in names}
    in_both = await client.post(f"/{operation}?model={fields['model']}", files=files, data=half)
    assert in_query.status_code == in_form.status_code == in_both.status_code == 200
    assert in_query.content == in_form.content == in_both.content
    for header in ("X-Model", "X-Model-Version", "X-Noise-Sigma", "Content-Type"):
        told = {each.headers.get(header) for each in (in_query, in_form, in_both)}
        assert len(told) == 1


@pytest.mark.parametrize(
    ("query", "fields", "fault"),
    [
        ("?sigma=20", {"sigma": "20"}, "sigma: expected it in the query or in the form, received"),
        ("", {"sigma": ["20", "30"]}, "sigma: expected one value, received '20, 30'"),
        ("", {"sigma": ""}, "sigma: expected a value, received ''"),
        ("", {"sigma": "much"}, "sigma: "),
        ("", {"noise": "20"}, "form: expected files, and one of model, version, fit, "),
        ("", {f"p{n}": "1" for n in range(65)}, "form: expected at most 64 parameters, received"),
        ("?model=half", {"sigma": "20"}, "sigma: expected none with a model of images of one size"),
    ],
)
async def test_a_parameter_that_is_wrong_in_a_form_is_named(
    client: httpx.AsyncClient, query: str, fields: dict[str, Any], fault: str
) -> None:
    files = {"file": ("a.png", picture(8, 8))}
    answer = await client.post(f"/denoise{query}", files=files, data=fields)
    assert check_problem(answer, 422, "invalid-value").startswith(fault)


async def test_a_format_is_told_to_be_chosen_by_accept(client: httpx.AsyncClient) -> None:
    files = {"file": ("a.png", picture(8, 8))}
    for answer in (
        await client.post("/denoise", files=files, data={"format": "webp"}),
        await client.post("/denoise?format=webp", files=files),
    ):
        detail = check_problem(answer, 422, "invalid-value")
        assert detail.endswith("received 'format'; Accept chooses the format of the answer")


async def test_a_zip_in_a_form_is_told_to_be_the_body(client: httpx.AsyncClient) -> None:
    answer = await client.post("/denoise", files={"image": ("a.zip", b"PK\3\4" + bytes(99))})
    assert check_problem(answer, 415, "unsupported-media-type") == (
        "form: expected photographs, received a zip archive; a zip is the body itself, with "
        "Content-Type: application/zip"
    )


@pytest.mark.parametrize(
    ("name", "received"),
    [("naïve", "naïve"), ("file ", "file "), ("\udce9", "\ufffd")],
)
def test_a_part_of_another_name_is_named(name: str, received: str) -> None:
    header = f'Content-Disposition: form-data; name="{name}"'.encode("utf-8", "surrogateescape")
    with pytest.raises(InvalidValue, match=f"received {received}$"):
        read(form(header), "XbX")


@pytest.mark.parametrize(
    "headers",
    [(), (b"Content-Type: image/png",), (NAME, b"no colon"), (b"Content-Disposition: x",)],
)
def test_a_part_without_a_name_or_with_broken_headers_is_refused(
    headers: tuple[bytes, ...],
) -> None:
    with pytest.raises(MalformedBody, match=r"body: expected multipart/form-data, received: "):
        read(form(*headers), "XbX")
