"""Operations with bodies and answers as PNG, JPEG and WebP, alone or in a form."""

import io
import struct
import threading
import zlib
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from service.api.codecs import image as pictures
from service.api.codecs.image import read
from service.cpus import usable_cpus
from service.errors import MalformedBody
from service.images.decode import media_type_of
from service.images.fit import Frame
from tests.service import format_files
from tests.service.tiny import Start

PIXELS = (np.arange(16, dtype=np.uint8) * 16).reshape(4, 4)
PNG = {"Content-Type": "image/png"}


def encoded(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def opened(answer: httpx.Response) -> Image.Image:
    assert answer.status_code == 200, answer.text
    return Image.open(io.BytesIO(answer.content))


GRAY = encoded(Image.fromarray(PIXELS))


@pytest.fixture
def client(shared_client: httpx.AsyncClient) -> httpx.AsyncClient:
    return shared_client


async def test_a_picture_comes_back_as_a_png(client: httpx.AsyncClient) -> None:
    picture = opened(await client.post("/denoise", content=GRAY, headers=PNG))
    assert (picture.format, picture.mode, picture.size) == ("PNG", "L", (4, 4))
    np.testing.assert_array_equal(np.asarray(picture), PIXELS // 2)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
async def test_pictures_are_written_as_accept_asks(client: httpx.AsyncClient, kind: str) -> None:
    headers = PNG | {"Accept": f"image/{kind.lower()}"}
    picture = opened(await client.post("/denoise", content=GRAY, headers=headers))
    assert picture.format == kind
    np.testing.assert_allclose(np.asarray(picture.convert("L")), PIXELS // 2, atol=8)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
async def test_pictures_of_other_formats_are_read(client: httpx.AsyncClient, kind: str) -> None:
    body = encoded(Image.fromarray(PIXELS), kind, quality=100)
    headers = {"Content-Type": f"image/{kind.lower()}"}
    picture = opened(await client.post("/denoise", content=body, headers=headers))
    np.testing.assert_allclose(np.asarray(picture), PIXELS // 2, atol=8)


@pytest.mark.parametrize("told", ["application/octet-stream", "application/x-www-form-urlencoded"])
async def test_a_picture_of_untold_type_is_recognised(client: httpx.AsyncClient, told: str) -> None:
    for kind in ("PNG", "JPEG", "WEBP"):
        body = encoded(Image.fromarray(PIXELS), kind)
        answer = await client.post(
            "/denoise?fit=true", content=body, headers={"Content-Type": told}
        )
        assert opened(answer).size == (4, 4)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
async def test_the_bytes_of_a_picture_say_which_it_is_whatever_its_type_says(
    client: httpx.AsyncClient, kind: str
) -> None:
    body = encoded(Image.fromarray(PIXELS), kind, quality=100)
    for told in ("image/png", "image/jpeg", "image/webp"):
        headers = {"Content-Type": told}
        picture = opened(await client.post("/denoise?fit=true", content=body, headers=headers))
        np.testing.assert_allclose(np.asarray(picture), PIXELS // 2, atol=8)


async def test_a_picture_is_encoded_as_json_or_npy(client: httpx.AsyncClient) -> None:
    answer = await client.post("/encode", content=GRAY, headers=PNG)
    np.testing.assert_allclose(answer.json()["outputs"], [PIXELS.ravel() / 255], atol=1e-6)
    refused = await client.post("/encode", content=GRAY, headers=PNG | {"Accept": "image/png"})
    assert refused.status_code == 406
    assert "application/json, application/x-npy" in refused.json()["detail"]


async def test_a_coding_is_decoded_to_a_picture_where_it_is_accepted(
    client: httpx.AsyncClient,
) -> None:
    body = {"inputs": [(PIXELS.ravel() / 255).tolist()]}
    picture = opened(await client.post("/decode", json=body, headers={"Accept": "image/png"}))
    np.testing.assert_array_equal(np.asarray(picture), PIXELS)


async def test_a_form_with_one_file_gives_one_picture(client: httpx.AsyncClient) -> None:
    picture = opened(await client.post("/denoise", files={"file": GRAY}))
    np.testing.assert_array_equal(np.asarray(picture), PIXELS // 2)


async def test_a_form_with_several_files_gives_a_batch(client: httpx.AsyncClient) -> None:
    files = [("file", GRAY)] * 3
    answer = await client.post("/denoise", files=files)
    assert np.shape(answer.json()["outputs"]) == (3, 4, 4)
    npy = await client.post("/denoise", files=files, headers={"Accept": "application/x-npy"})
    assert np.load(io.BytesIO(npy.content)).shape == (3, 4, 4)
    refused = await client.post("/denoise", files=files, headers={"Accept": "image/png"})
    assert refused.status_code == 406
    assert "received image/png; a picture holds one image" in refused.json()["detail"]


async def test_a_form_is_read_strictly(client: httpx.AsyncClient) -> None:
    other = await client.post("/denoise", files={"attachment": GRAY})
    assert other.status_code == 422
    assert "received one in a part named attachment" in other.json()["detail"]
    sizes = [("file", GRAY), ("file", encoded(Image.new("L", (4, 5))))]
    mixed = await client.post("/encode?model=rows", files=sizes)
    assert mixed.status_code == 422
    assert "received 4x4, 4x5" in mixed.json()["detail"]
    no_boundary = {"Content-Type": "multipart/form-data"}
    assert (await client.post("/denoise", content=GRAY, headers=no_boundary)).status_code == 400
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = await client.post("/denoise", content=b"--x\r\nnothing", headers=broken)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed-body")


@pytest.mark.parametrize("length", [8, 40, 50])
async def test_a_truncated_picture_is_malformed(client: httpx.AsyncClient, length: int) -> None:
    answer = await client.post("/denoise", content=GRAY[:length], headers=PNG)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed-body")


async def test_a_picture_cut_off_in_its_pixels_is_malformed(client: httpx.AsyncClient) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    for kind in ("PNG", "JPEG", "WEBP"):
        body = encoded(Image.fromarray(noise), kind)[:-500]
        answer = await client.post("/denoise?fit=true", content=body, headers=PNG)
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed-body")


@pytest.mark.parametrize(
    "picture",
    [
        Image.new("L", (5, 4)),
        Image.new("RGB", (4, 4), (10, 10, 12)),
        Image.new("RGB", (5, 4)),
        Image.new("RGBA", (9, 9)),
        Image.new("P", (4, 4)),
        Image.new("1", (4, 4)),
        Image.new("LA", (4, 4)),
        Image.new("I;16", (4, 4)),
    ],
    ids=lambda picture: f"{picture.mode} {picture.size}",
)
async def test_a_picture_of_another_size_or_colour_is_refused_unless_it_shall_fit(
    client: httpx.AsyncClient, picture: Image.Image
) -> None:
    refused = await client.post("/denoise", content=encoded(picture), headers=PNG)
    assert refused.status_code == 422
    expected = f"expected 4x4 gray (L), received {picture.width}x{picture.height} {picture.mode}"
    assert expected in refused.json()["detail"]
    assert "fit=true" in refused.json()["detail"]
    url = "/denoise?fit=true"
    fitted = opened(await client.post(url, content=encoded(picture), headers=PNG))
    assert (fitted.mode, fitted.size) == ("L", (4, 4))


@pytest.mark.parametrize("options", [{}, {"quality": 30}, {"lossless": True}], ids=str)
async def test_a_picture_in_colour_that_shows_none_is_gray(
    client: httpx.AsyncClient, options: dict[str, Any]
) -> None:
    wheel = Image.merge("RGB", [Image.fromarray(PIXELS)] * 3)
    picture = opened(await client.post("/denoise", content=encoded(wheel), headers=PNG))
    np.testing.assert_array_equal(np.asarray(picture), PIXELS // 2)
    webp = encoded(Image.fromarray(PIXELS), "WEBP", **options)  # which has no mode for gray
    with Image.open(io.BytesIO(webp)) as read_back:
        gray = np.asarray(read_back.convert("L"))
    answer = await client.post("/denoise", content=webp, headers={"Accept": "image/png"})
    np.testing.assert_array_equal(np.asarray(opened(answer)), np.rint(gray / 2))


SMALL = Frame("L", (4, 4), 100)


def fitted(picture: Image.Image, frame: Frame = SMALL) -> Any:
    (pixels,) = read([encoded(picture)], frame, fit=True, max_pixels=1000)
    return pixels.tolist()


def test_fitting_keeps_the_aspect_on_a_black_ground() -> None:
    assert fitted(Image.new("L", (8, 4), "white")) == [[0] * 4, [255] * 4, [255] * 4, [0] * 4]


def test_fitting_reads_16_bits_a_pixel_at_their_full_range() -> None:
    half = Image.fromarray(np.full((4, 4), 0x8000, np.uint16))
    assert fitted(half) == [[0x80] * 4] * 4


def test_fitting_puts_what_is_transparent_on_black() -> None:
    assert fitted(Image.new("RGBA", (4, 4), (255, 255, 255, 0))) == [[0] * 4] * 4


def test_fitting_leaves_free_sides_as_the_aspect_gives_them() -> None:
    wide = Image.new("RGB", (6, 3))
    assert np.shape(fitted(wide, Frame("L", ("steps", 4), 100))) == (2, 4)
    assert np.shape(fitted(wide, Frame("L", (4, "width"), 100))) == (4, 8)
    assert np.shape(fitted(wide, Frame("RGB", ("height", "width"), 100))) == (3, 6, 3)


def test_pictures_are_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    body = encoded(Image.fromarray(PIXELS), exif=exif)
    (upright,) = read([body], Frame("L", (4, 4), 100), fit=False, max_pixels=16)
    np.testing.assert_array_equal(upright, PIXELS[::-1, ::-1])


async def test_broken_metadata_spoils_no_picture(client: httpx.AsyncClient) -> None:
    good = b"Exif\0\0MM\0*\0\0\0\x08"
    for exif in (
        b"Exif\0\0nonsense",
        good,
        good + b"\0\x01\x01\x12\0\x03\0\0\0\x09\xff\xff\xff\xff",
    ):
        body = encoded(Image.fromarray(PIXELS), exif=exif)
        picture = opened(await client.post("/denoise", content=body, headers=PNG))
        np.testing.assert_array_equal(np.asarray(picture), PIXELS // 2)


async def test_a_sliver_does_not_become_a_tower(start: Start) -> None:
    client = start(max_steps=50)
    tall = encoded(Image.new("L", (1, 12)))  # 4x48 once fitted
    answer = await client.post("/encode?model=rows&fit=true", content=tall, headers=PNG)
    assert answer.status_code == 200
    taller = encoded(Image.new("L", (1, 13)))
    answer = await client.post("/encode?model=rows&fit=true", content=taller, headers=PNG)
    assert answer.status_code == 422
    assert "at most 50 pixels along a free side" in answer.json()["detail"]
    long = encoded(Image.new("L", (4, 51)))
    answer = await client.post("/encode?model=rows", content=long, headers=PNG)
    assert "steps: expected at most 50, received 51" in answer.json()["detail"]


async def test_the_longest_sequence_is_no_limit_to_a_picture_of_fixed_size(start: Start) -> None:
    body = encoded(Image.new("L", (9, 9)))
    answer = await start(max_steps=1).post("/denoise?fit=true", content=body, headers=PNG)
    assert opened(answer).size == (4, 4)


async def test_pixels_are_counted_over_all_the_pictures_of_a_form(start: Start) -> None:
    client = start(max_pixels=40)
    large = encoded(Image.new("L", (5, 4)))  # counted as it is sent, not as it is fitted
    url = "/denoise?fit=true"
    assert (await client.post(url, files=[("file", large)] * 2)).status_code == 200
    answer = await client.post(url, files=[("file", large)] * 3)
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")


@pytest.mark.parametrize("place", ["before", "after"])
async def test_broken_chunks_are_the_senders_fault(client: httpx.AsyncClient, place: str) -> None:
    profile = struct.pack(">I", 1) + b"iCCPx" + struct.pack(">I", zlib.crc32(b"iCCPx"))
    data = GRAY.index(b"IDAT") - 4
    end = GRAY.index(b"IEND") - 4
    at = data if place == "before" else end
    body = GRAY[:at] + profile + GRAY[at:]
    answer = await client.post("/denoise", content=body, headers=PNG)
    assert answer.status_code in (200, 400)


async def test_a_palette_picture_without_its_palette_is_malformed(
    client: httpx.AsyncClient,
) -> None:
    body = encoded(Image.new("P", (4, 4)))
    start, end = body.index(b"PLTE") - 4, body.index(b"IDAT") - 4
    answer = await client.post("/denoise?fit=true", content=body[:start] + body[end:], headers=PNG)
    assert answer.status_code in (200, 400)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
async def test_an_animated_picture_is_refused(client: httpx.AsyncClient, kind: str) -> None:
    frames = [Image.new("L", (4, 4), gray) for gray in (0, 200)]
    body = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
    answer = await client.post("/denoise?fit=true", content=body, headers=PNG)
    assert answer.status_code == 415
    assert "received 2 frames" in answer.json()["detail"]


@pytest.mark.parametrize("seed", range(20))
async def test_no_spoiled_body_is_a_fault_of_the_service(
    client: httpx.AsyncClient, seed: int
) -> None:
    random = np.random.default_rng(seed)
    stream = io.BytesIO()
    np.save(stream, np.zeros((2, 4, 4), np.float32))
    exif = Image.Exif()
    exif[0x0112] = 6
    pictures = [
        *(encoded(Image.fromarray(PIXELS), kind, exif=exif) for kind in ("PNG", "JPEG", "WEBP")),
        encoded(Image.new("P", (4, 4)), exif=exif),
    ]
    for body in [stream.getvalue(), *pictures]:
        spoiled = bytearray(body)
        for place in random.integers(0, len(body), 3):
            spoiled[place] = random.integers(256)
        answer = await client.post("/denoise?fit=true", content=bytes(spoiled))
        assert answer.status_code in (200, 400, 413, 415, 422), answer.text


async def test_colour_and_free_sizes_pass_through_models_that_take_them(
    client: httpx.AsyncClient,
) -> None:
    body = encoded(Image.new("RGB", (7, 3), (200, 100, 50)))
    picture = opened(await client.post("/denoise?model=colours", content=body, headers=PNG))
    assert picture.size == (7, 3)
    assert np.asarray(picture)[0, 0].tolist() == [100, 50, 25]


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that declares any size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    return start + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "size", [(8000, 8000), (12_000, 12_000), (60_000, 60_000)], ids=lambda size: f"{size[0]}"
)
async def test_a_decompression_bomb_is_refused_before_it_is_decoded(
    client: httpx.AsyncClient, size: tuple[int, int]
) -> None:
    answer = await client.post("/denoise?fit=true", content=bomb(*size), headers=PNG)
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")
    assert (
        f"at most 50000000 pixels in all (SERVICE_MAX_PIXELS), received {size[0]}x"
        in answer.json()["detail"]
    )


async def test_other_picture_formats_are_refused_with_the_list(client: httpx.AsyncClient) -> None:
    for told in ("application/pdf", "image/png", "", "image/x-anything"):
        headers = {"Content-Type": told}
        answer = await client.post("/denoise", content=b"%PDF-1.7" + bytes(64), headers=headers)
        assert answer.status_code == 415
        detail = answer.json()["detail"]
        assert detail.startswith("picture: PDF is not read here; expected one of PNG, JPEG, WebP, ")


@pytest.mark.parametrize("name", ["tiff", "avif", "heic", "bmp", "gif", "jp2", "jxl", "raw"])
@pytest.mark.parametrize("told", ["", "image/*", "image/png", "image/heif"])
async def test_pictures_of_every_format_are_fitted(
    client: httpx.AsyncClient, name: str, told: str
) -> None:
    body = format_files.every()[name]
    answer = await client.post(
        "/denoise?fit=true", content=body, headers={"Content-Type": told, "Accept": "image/tiff"}
    )
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/tiff")
    assert media_type_of(answer.content) == "image/tiff"


@pytest.mark.parametrize(("side", "waits"), [(1000, False), (1001, True)])
def test_large_pictures_wait_for_a_turn_to_be_decoded(
    monkeypatch: pytest.MonkeyPatch, side: int, waits: bool
) -> None:
    turns = threading.BoundedSemaphore(1)
    monkeypatch.setattr(pictures, "_turns", lambda: turns)
    body = encoded(Image.new("L", (side, side)))
    images: list[Any] = []

    def decode() -> None:
        images.extend(read([body], Frame("L", (4, 4), 100), fit=True, max_pixels=2_000_000))

    thread = threading.Thread(target=decode)
    with turns:
        thread.start()
        thread.join(0.5 if waits else 10)
        assert thread.is_alive() == waits
    thread.join(10)
    assert [image.shape for image in images] == [(4, 4)]


def test_a_large_picture_that_cannot_be_read_gives_its_turn_back() -> None:
    whole = encoded(Image.effect_noise((1100, 1100), 50))
    for _ in range(2 + usable_cpus()):
        with pytest.raises(MalformedBody):
            read([whole[: len(whole) // 2]], Frame("L", (4, 4), 100), fit=True, max_pixels=2**21)
