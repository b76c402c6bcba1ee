"""Several photographs in a zip or a form: each is answered as it would be alone, in a container."""

import email
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from email.message import Message

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.service.asgi import check_problem
from tests.service.photograph_files import encoded, opened, samples
from tests.service.tiny import Start
from tests.service.zip_files import ONE, SENT, TO_MIXED, TO_ZIP, ZIP, file, unzipped, zipped

PICTURE = {"Content-Type": "image/png"}


STATUS = {"notes.txt": 415, "cut.png": 400}


def form_of(files: Mapping[str, bytes]) -> list[tuple[str, tuple[str, bytes]]]:
    return [("file", (name, content)) for name, content in files.items()]


def parts_of(answer: httpx.Response) -> Sequence[Message]:
    kind = answer.headers["Content-Type"]
    assert kind.startswith("multipart/mixed; boundary=")
    boundary = kind.partition("boundary=")[2].encode()
    assert answer.content.startswith(b"--" + boundary + b"\r\n")
    assert answer.content.endswith(b"\r\n--" + boundary + b"--\r\n")
    message = email.message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + answer.content)
    return message.get_payload()  # type: ignore[return-value]


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
async def test_a_zip_is_answered_with_a_zip_of_what_each_would_be_alone(
    shared_client: httpx.AsyncClient, compression: int
) -> None:
    url = "/denoise?model=photo&sigma=20&strength=0.8"
    answer = await shared_client.post(url, content=zipped(SENT, compression), headers=ZIP)
    files, manifest = unzipped(answer)
    assert answer.headers["X-Model"] == "photo"
    assert [each["source"] for each in manifest] == list(SENT)
    written = iter(files.items())
    for told in manifest:
        alone = await shared_client.post(url, content=SENT[told["source"]], headers=PICTURE)
        assert told["status"] == alone.status_code == STATUS.get(told["source"], 200)
        if alone.status_code == 200:
            name, content = next(written)
            assert (name, content) == (told["name"], alone.content)
            assert told["media_type"] == alone.headers["Content-Type"]
            assert (told["width"], told["height"]) == opened(content).size
            assert f"{told['sigma']:.2f}" == alone.headers["X-Noise-Sigma"] == "20.00"
        else:
            problem = {key: told[key] for key in ("code", "title", "detail")}
            assert problem.items() <= alone.json().items()
    assert not list(written)
    assert list(files) == ["b.png", "holidays/a.JPG", "holidays/日本.webp", "a.jpg", "scan.tif"]


@pytest.mark.parametrize("named", ["application/zip", "application/x-zip-compressed", ""])
async def test_a_zip_is_recognised(shared_client: httpx.AsyncClient, named: str) -> None:
    headers = {"Content-Type": named} if named else {}
    sent = zipped({"a.png": SENT["b.png"]})
    answer = await shared_client.post("/denoise?model=photo", content=sent, headers=headers)
    assert list(unzipped(answer)[0]) == ["a.png"]


async def test_a_form_is_answered_with_a_zip_on_demand(shared_client: httpx.AsyncClient) -> None:
    data = {"model": "photo", "luma": "0.5"}
    answer = await shared_client.post("/denoise", files=form_of(SENT), data=data, headers=TO_ZIP)
    files, manifest = unzipped(answer)
    assert [each["status"] for each in manifest] == [STATUS.get(name, 200) for name in SENT]
    url = "/denoise?model=photo&luma=0.5"
    written = [each for each in manifest if "name" in each]
    for told, content in zip(written, files.values(), strict=True):
        alone = await shared_client.post(url, content=SENT[told["source"]])
        assert content == alone.content


async def test_a_form_of_several_sizes_names_the_way_to_get_files(
    shared_client: httpx.AsyncClient,
) -> None:
    files = form_of({"a.png": SENT["b.png"], "b.jpg": SENT["a.jpg"]})
    answer = await shared_client.post("/denoise?model=photo", files=files)
    detail = check_problem(answer, 422, "shape-mismatch")
    assert detail.endswith(
        "received 40x30, 64x64; photographs of any sizes come back as files with Accept: "
        "application/zip"
    )


async def test_multipart_mixed_has_a_part_for_each(shared_client: httpx.AsyncClient) -> None:
    url = "/denoise?model=photo&sigma=7.5"
    answer = await shared_client.post(url, content=zipped(SENT), headers=ZIP | TO_MIXED)
    assert answer.status_code == 200
    parts = parts_of(answer)
    expected = [name.replace("/", "_").replace("scan", "scan.tif") for name in SENT]
    for part, name, (source, content) in zip(parts, expected, SENT.items(), strict=True):
        assert part.get_filename() == name
        payload = part.get_payload(decode=True)
        assert isinstance(payload, bytes)
        assert int(part["Content-Length"]) == len(payload)
        alone = await shared_client.post(url, content=content, headers=PICTURE)
        assert part.get_content_type() == alone.headers["Content-Type"]
        if source in STATUS:
            assert json.loads(payload) == alone.json()
            assert part["X-Noise-Sigma"] is None
        else:
            assert payload == alone.content
            assert part["X-Noise-Sigma"] == "7.50"


@pytest.mark.parametrize(
    ("accept", "suffix"),
    [
        ("application/zip", ".png"),
        ("*/*", ".png"),
        ("application/zip, image/webp", ".webp"),
        ("application/zip, image/webp;q=0.5, image/jpeg", ".jpg"),
        ("application/problem+json, application/zip, */*;q=0.1", ".png"),
    ],
)
async def test_accept_chooses_the_format_of_the_photographs_too(
    shared_client: httpx.AsyncClient, accept: str, suffix: str
) -> None:
    sent = zipped({"scan.png": SENT["b.png"]})
    answer = await shared_client.post(
        "/denoise?model=photo", content=sent, headers=ZIP | {"Accept": accept}
    )
    assert list(unzipped(answer)[0]) == [f"scan{suffix}"]


@pytest.mark.parametrize("accept", ["image/png", "application/json", "application/zip;q=0"])
async def test_a_zip_is_not_answered_with_less(
    shared_client: httpx.AsyncClient, accept: str
) -> None:
    headers = ZIP | {"Accept": accept}
    answer = await shared_client.post("/denoise", content=zipped(SENT), headers=headers)
    detail = check_problem(answer, 406, "not-acceptable")
    assert detail == (
        f"Accept: expected one of application/zip, multipart/mixed, received {accept}"
    )


async def test_names_are_safe_and_each_is_there_once(shared_client: httpx.AsyncClient) -> None:
    png = SENT["b.png"]
    names = ["../../etc/a.png", "/a.png", "C:\\x\\a.png", "A.PNG", "a.jpeg", "a", "a:b?.png"]
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in (*names, "a.png", "con.png", "x" * 300 + ".png"):
            archive.writestr(name, png)
    answer = await shared_client.post(
        "/denoise?model=photo", content=stream.getvalue(), headers=ZIP
    )
    assert list(unzipped(answer)[0]) == [
        "etc/a.png",
        "a.png",
        "x/a.png",
        "A-2.PNG",
        "a-3.png",
        "a-4.png",
        "a_b_.png",
        "a-5.png",
        "_con.png",
        "x" * 196 + ".png",
    ]


async def test_a_zip_is_for_denoise_alone(shared_client: httpx.AsyncClient) -> None:
    answer = await shared_client.post("/encode", content=ONE, headers=ZIP)
    assert "A zip archive is not read here" in check_problem(answer, 415, "unsupported-media-type")


async def test_limits_are_of_each_photograph_and_of_their_number(start: Start) -> None:
    client = start(max_pixels=1200, max_photographs=3)
    three = {"a.png": SENT["b.png"], "b.png": SENT["a.jpg"], "c.png": SENT["b.png"]}
    url = "/denoise?model=photo"
    for answer in (
        await client.post(url, content=zipped(three), headers=ZIP),
        await client.post(url, files=form_of(three), headers=TO_ZIP),
    ):
        files, manifest = unzipped(answer)
        assert list(files) == ["a.png", "c.png"]
        assert manifest[1]["code"] == "body-too-large"
        assert "expected at most 1200 pixels" in manifest[1]["detail"]
    four = zipped(three | {"d.png": SENT["b.png"]})
    answer = await client.post("/denoise?model=photo", content=four, headers=ZIP)
    detail = check_problem(answer, 413, "body-too-large")
    assert detail == "body: expected at most 3 photographs (SERVICE_MAX_PHOTOGRAPHS), received 4"


async def test_a_region_is_that_of_each_and_checked_for_each(
    shared_client: httpx.AsyncClient,
) -> None:
    sent = {"a.png": file("png", 40, 30), "b.png": file("png", 20, 30)}
    url = "/denoise?model=photo&region=10,5,20,25"
    answer = await shared_client.post(url, content=zipped(sent), headers=ZIP)
    files, (first, second) = unzipped(answer)
    assert (first["width"], first["height"]) == opened(files["a.png"]).size == (20, 25)
    assert (second["status"], second["code"]) == (422, "invalid-value")


async def test_what_could_not_be_read_of_a_photograph_is_told(start: Start) -> None:
    client = start(truncated="accept")
    whole = encoded(Image.fromarray(samples(3, size=(64, 64))), "JPEG")
    sent = zipped({"whole.jpg": whole, "cut.jpg": whole[: len(whole) // 2]})
    url = "/denoise?model=photo"
    alone = await client.post(url, content=whole[: len(whole) // 2])
    warning = alone.headers["X-Image-Warning"]
    answer = await client.post(url, content=sent, headers=ZIP)
    assert warning.startswith("truncated; rows ")
    assert [each.get("warning") for each in unzipped(answer)[1]] == [None, warning]
    answer = await client.post(url, content=sent, headers=ZIP | TO_MIXED)
    assert [part["X-Image-Warning"] for part in parts_of(answer)] == [None, warning]


async def test_thumbnails_come_in_zips_too(shared_client: httpx.AsyncClient) -> None:
    thumbnail = encoded(Image.new("L", (4, 4), 200), "PNG")
    sent = zipped({"a.png": thumbnail, "b.jpg": SENT["a.jpg"]})
    answer = await shared_client.post("/denoise?model=half", content=sent, headers=ZIP)
    files, manifest = unzipped(answer)
    assert np.asarray(opened(files["a.png"])).tolist() == [[100] * 4] * 4
    assert manifest[0]["sigma"] is None
    assert manifest[1]["code"] == "shape-mismatch"
    answer = await shared_client.post("/denoise?model=half&fit=true", content=sent, headers=ZIP)
    files, _ = unzipped(answer)
    assert [opened(content).size for content in files.values()] == [(4, 4), (4, 4)]


@pytest.mark.parametrize("query", ["?model=none", "?sigma=x", "?model=half&sigma=20"])
async def test_what_is_wrong_with_all_of_them_is_an_error_of_the_request(
    shared_client: httpx.AsyncClient, query: str
) -> None:
    answer = await shared_client.post(f"/denoise{query}", content=ONE, headers=ZIP)
    alone = await shared_client.post(f"/denoise{query}", content=SENT["b.png"])
    assert answer.status_code == alone.status_code >= 400
    assert answer.json() == alone.json()
