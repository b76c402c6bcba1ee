"""POST /denoise with photographs of any size."""

import asyncio
import io
import re
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from service.api.codecs import batch
from service.api.request import Exchange
from service.app import create_app
from service.images.decode import media_type_of
from service.images.formats import BY_NAME, NAMES, Name, default_for
from service.settings import Settings
from tests.service import format_files
from tests.service.asgi import Caller, application_of, opened
from tests.service.clock import Clock
from tests.service.gate import Gate
from tests.service.photograph_requests import RANDOM, as_npy, picture
from tests.service.tiny import Start


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA"])
@pytest.mark.parametrize("size", [(1, 1), (23, 37), (64, 64)])
async def test_a_photograph_comes_back_in_its_size_and_mode(
    start: Start, size: tuple[int, int], mode: str
) -> None:
    sent = picture(*size, mode)
    answer = await start().post("/denoise?model=photo", content=sent)
    received = opened(answer)
    before = Image.open(io.BytesIO(sent))
    assert (received.size, received.mode, received.format) == (before.size, mode, "PNG")
    if mode.endswith("A"):
        assert received.getchannel("A").tobytes() == before.getchannel("A").tobytes()
    assert answer.headers["x-model"] == "photo"
    assert "write;dur=" in answer.headers["server-timing"]


async def test_the_format_is_that_of_the_photograph_or_as_asked(start: Start) -> None:
    client, sent = start(), picture(16, 16, kind="JPEG")
    assert opened(await client.post("/denoise?model=photo", content=sent)).format == "JPEG"
    asked = {"Accept": "image/webp"}
    answer = await client.post("/denoise?model=photo&quality=80", content=sent, headers=asked)
    assert opened(answer).format == "WEBP"
    asked = {"Accept": "image/jpeg"}
    answer = await client.post("/denoise?model=photo", content=picture(8, 8, "RGBA"), headers=asked)
    assert answer.status_code == 406
    assert "without transparency, received one with it" in answer.json()["detail"]


async def test_a_jpeg_may_be_called_jpg(start: Start) -> None:
    told = {"Content-Type": "image/jpg"}
    sent = picture(16, 16, kind="JPEG")
    answer = await start().post("/denoise?model=photo", content=sent, headers=told)
    assert opened(answer).format == "JPEG"


async def test_sigma_and_strength_say_how_much_noise_to_remove(start: Start) -> None:
    client, sent = start(), picture(24, 24)
    before = np.asarray(Image.open(io.BytesIO(sent)))
    untouched = await client.post("/denoise?model=photo&strength=0", content=sent)
    np.testing.assert_array_equal(np.asarray(opened(untouched)), before)
    told = [
        np.asarray(opened(await client.post(f"/denoise?model=photo{query}", content=sent)))
        for query in ("", "&sigma=10", "&sigma=100")
    ]
    assert not np.array_equal(told[0], told[1])
    assert not np.array_equal(told[1], told[2])
    for wrong in ("sigma=101", "sigma=-1", "strength=1.1", "quality=0"):
        answer = await client.post(f"/denoise?model=photo&{wrong}", content=sent)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-value")


async def test_arrays_of_photographs_of_any_size_are_denoised(start: Start) -> None:
    images = RANDOM.random((2, 11, 19, 3), np.float32)
    stream = io.BytesIO()
    np.save(stream, images)
    answer = await start().post("/denoise?model=photo", content=stream.getvalue())
    assert answer.status_code == 200, answer.text
    received = np.load(io.BytesIO(answer.content))
    assert (received.shape, received.dtype) == (images.shape, images.dtype)
    wrong = await start().post("/denoise?model=photo", json={"inputs": [[[0.5] * 4] * 4]})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "shape-mismatch")


async def test_a_picture_goes_to_photo_where_no_model_is_named(start: Start) -> None:
    client = start(default_picture=None)
    assert (await client.post("/denoise", content=picture(5, 9))).headers["x-model"] == "photo"
    listed = {each["name"]: each for each in (await client.get("/models/photo")).json()["models"]}
    assert listed["photo"]["default_for_pictures"] == ["denoise"]
    assert listed["photo"]["default_for"] == []
    answer = await client.post("/denoise", json={"inputs": [[[0.5] * 4] * 4]})
    assert answer.headers["x-model"] == "half"


async def test_a_model_of_one_size_takes_no_sigma(start: Start) -> None:
    answer = await start().post("/denoise?model=half&sigma=5", content=picture(4, 4, "L"))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-value")


async def test_photographs_beyond_the_limit_are_refused(start: Start) -> None:
    client = start(max_pixels=100)
    answer = await client.post("/denoise?model=photo", content=picture(11, 10))
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")


async def test_pixels_as_an_array_come_back_as_pixels(start: Start) -> None:
    client, pixels = start(), RANDOM.integers(0, 256, (1, 11, 19, 3), np.uint8)
    stream = io.BytesIO()
    np.save(stream, pixels)
    answer = await client.post("/denoise?model=photo", content=stream.getvalue())
    received = np.load(io.BytesIO(answer.content))
    file = io.BytesIO()
    Image.fromarray(pixels[0]).save(file, "PNG")
    same = opened(await client.post("/denoise?model=photo", content=file.getvalue()))
    np.testing.assert_array_equal(received[0], np.asarray(same))
    asked = {"Accept": "application/json"}
    answer = await client.post("/denoise?model=photo", content=stream.getvalue(), headers=asked)
    floats = np.array(answer.json()["outputs"], np.float32)
    np.testing.assert_allclose(floats, received / np.float32(255), rtol=1e-6)


async def test_several_photographs_of_one_size_come_back_as_an_array(start: Start) -> None:
    sent = [picture(9, 14), picture(9, 14)]
    client = start()
    files = [("file", each) for each in sent]
    asked = {"Accept": "application/x-npy"}
    answer = await client.post("/denoise?model=photo", files=files, headers=asked)
    received = np.load(io.BytesIO(answer.content))
    assert (received.shape, received.dtype) == ((2, 9, 14, 3), np.float32)
    alone = opened(await client.post("/denoise?model=photo", content=sent[1]))
    np.testing.assert_array_equal(np.rint(received[1] * 255), np.asarray(alone))


async def test_each_tile_that_is_done_gives_more_time(
    start: Start, gate: Gate, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, progress = asyncio.Semaphore(0), Exchange.progress

    def progressed(exchange: Exchange) -> None:
        progress(exchange)
        done.release()

    monkeypatch.setattr(Exchange, "progress", progressed)
    client, sent = start(timeout=10), picture(8, 3200)  # less than clients wait
    gate.close()
    asked = asyncio.create_task(client.post("/denoise?model=photo", content=sent))
    for _ in range(3):
        await done.acquire()  # of the submission, then of the tile before
        await gate.reached()
        await clock.advance(6)  # less than the time for each of three tiles, more in all
        gate.pass_one()
    assert (await asked).status_code == 200
    asked = asyncio.create_task(client.post("/denoise?model=photo", content=sent))
    await gate.reached()
    await clock.advance(12)
    late = await asked
    gate.open()
    assert (late.status_code, late.json()["code"]) == (503, "deadline-exceeded")


async def test_so_much_json_is_refused(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "LARGEST_JSON", 100)
    monkeypatch.setattr(batch, "SHORT_BODY", {})
    answer = await start().post("/denoise?model=photo", json={"inputs": [[[[0.5] * 3] * 9]]})
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")
    assert "as application/x-npy" in answer.json()["detail"]


async def test_a_large_photograph_leaves_room_for_small_requests(start: Start, gate: Gate) -> None:
    client, large = start(max_queue_bytes=100_000, max_queue_pixels=10_000), picture(120, 120)
    assert len(large) < 100_000 < 3 * 120 * 120 * 3
    gate.close()
    asked = asyncio.create_task(client.post("/denoise?model=photo", content=large))
    await gate.reached()
    refused = await client.post("/denoise?model=photo", content=picture(8, 8))
    assert refused.status_code == 429
    assert "expected at most 10000 pixels of waiting photographs" in refused.json()["detail"]
    small = asyncio.create_task(client.post("/denoise", json={"inputs": [[[0.5] * 4] * 4]}))
    await gate.reached()
    gate.open()
    assert [(await asked).status_code, (await small).status_code] == [200, 200]


async def test_what_is_written_as_numbers_is_bounded_as_every_output_is(start: Start) -> None:
    client, sent = start(max_output_bytes=1000), picture(16, 16)
    as_file = await client.post("/denoise?model=photo", content=sent)
    assert as_file.status_code == 200  # no number of it is written
    for headers, body in (
        ({"Accept": "application/json"}, {"content": sent}),
        ({}, {"files": [("file", sent), ("file", sent)]}),
        ({}, {"json": {"inputs": np.zeros((1, 16, 16, 3)).tolist()}}),
    ):
        answer = await client.post("/denoise?model=photo", headers=headers, **body)
        assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")
        detail = answer.json()["detail"]
        assert "expected at most 1000 bytes of float32 (SERVICE_MAX_OUTPUT_BYTES)" in detail
        assert ("come back as files with Accept: application/zip" in detail) == ("files" in body)
    answer = await start(max_pixels=300).post(
        "/denoise?model=photo", files=[("image", sent), ("image", sent)]
    )
    assert answer.json()["detail"] == (
        "form: expected at most 300 pixels in all (SERVICE_MAX_PIXELS), received 512; photographs "
        "of any sizes come back as files with Accept: application/zip"
    )


async def test_many_small_photographs_take_one_place_and_run_in_batches(
    start: Start, gate: Gate
) -> None:
    client = start(max_queue_items=2)
    gate.close()
    array = as_npy(np.zeros((200, 1, 1, 3), np.uint8))
    many = asyncio.create_task(client.post("/denoise?model=photo", content=array))
    await gate.reached()
    other = asyncio.create_task(client.post("/denoise", json={"inputs": [[[0.5] * 4] * 4]}))
    await gate.reached()
    gate.open()
    assert [(await many).status_code, (await other).status_code] == [200, 200]
    assert len(gate.batches) < 100


async def test_pixels_are_counted_as_they_run(start: Start) -> None:
    answer = await start(max_queue_pixels=100, max_pixels=100).post(
        "/denoise?model=photo", content=as_npy(np.zeros((101, 1, 1, 3), np.uint8))
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")


async def test_many_tiny_photographs_count_as_more_than_their_pixels(start: Start) -> None:
    client = start(max_pixels=100_000)
    for count, status in ((24, 200), (25, 413)):
        array = as_npy(np.zeros((count, 1, 1, 3), np.uint8))
        answer = await client.post("/denoise?model=photo", content=array)
        assert answer.status_code == status, answer.text
    assert "at most 100000 pixels (each picture as 4096 at least)" in answer.json()["detail"]


async def test_no_photographs_are_an_invalid_value(start: Start) -> None:
    array = as_npy(np.zeros((0, 8, 8, 3), np.uint8))
    answer = await start().post("/denoise?model=photo", content=array)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-value")


async def test_a_client_that_goes_ends_the_work_for_all_of_its_photographs(
    start: Start, gate: Gate
) -> None:
    client = start()
    gate.close()
    body = as_npy(np.zeros((64, 300, 300, 3), np.uint8))
    headers = {"Content-Type": "application/octet-stream"}
    leaving = Caller(application_of(client), "POST", "/denoise?model=photo", body, headers)
    await gate.reached()
    await asyncio.sleep(0.1)  # longer than it takes until the client is watched
    leaving.gone.set()
    await asyncio.wait_for(leaving.task, 30)
    assert leaving.sent == []
    gate.open()
    assert (await client.post("/denoise?model=photo", content=picture(8, 8))).status_code == 200
    assert len(gate.batches) <= 4


async def test_a_model_that_is_unloaded_finishes_the_photographs_it_has(
    start: Start, gate: Gate
) -> None:
    client, operation = start(), "/v2/repository/models/photo.denoise"
    gate.close()
    sent = picture(8, 5000)
    running = asyncio.create_task(client.post("/denoise?model=photo", content=sent))
    await gate.reached()
    assert (await client.post(f"{operation}/unload")).status_code == 200
    gate.open()
    assert opened(await running).size == (5000, 8)
    assert len(gate.batches) > 2  # the tiles that ran after it, too
    assert (await client.post("/denoise?model=photo", content=sent)).status_code == 404
    assert (await client.post(f"{operation}/load")).status_code == 200
    assert (await client.post("/denoise?model=photo", content=sent)).status_code == 200


async def test_a_photograph_may_be_answered_with_an_array(start: Start) -> None:
    client, sent = start(), picture(9, 14)
    shown = np.asarray(opened(await client.post("/denoise?model=photo", content=sent)))
    answer = await client.post(
        "/denoise?model=photo", content=sent, headers={"Accept": "application/x-npy"}
    )
    np.testing.assert_array_equal(np.rint(np.load(io.BytesIO(answer.content))[0] * 255), shown)


async def test_an_array_may_be_answered_with_a_photograph_of_a_quality(start: Start) -> None:
    client, array = start(), as_npy(RANDOM.integers(0, 256, (1, 32, 32, 3), np.uint8))
    sizes = [
        len(
            (
                await client.post(
                    f"/denoise?model=photo&quality={quality}",
                    content=array,
                    headers={"Accept": "image/jpeg"},
                )
            ).content
        )
        for quality in (5, 95)
    ]
    assert 0 < sizes[0] < sizes[1] / 2


async def test_photographs_in_a_form_are_read_as_one_alone_is(start: Start) -> None:
    client = start()
    gray16 = io.BytesIO()
    Image.fromarray(np.full((6, 5), 0x1234, np.uint16)).save(gray16, "PNG")
    files = [("file", gray16.getvalue()), ("file", picture(6, 5, "RGBA"))]
    answer = await client.post("/denoise?model=photo&strength=0", files=files)
    outputs = np.array(answer.json()["outputs"])
    assert outputs.shape == (2, 6, 5, 3)
    np.testing.assert_allclose(outputs[0], 0x1234 / 65535, rtol=1e-5)
    colours = np.asarray(Image.open(io.BytesIO(files[1][1])))[..., :3]  # not laid on black
    np.testing.assert_allclose(outputs[1], colours / 255, rtol=1e-5)
    wrong = [("file", picture(6, 5)), ("file", picture(5, 6))]
    answer = await client.post("/denoise?model=photo", files=wrong)
    assert answer.json()["code"] == "shape-mismatch"
    assert "received 5x6, 6x5" in answer.json()["detail"]


async def test_a_picture_needs_no_model_of_arrays(models: Path) -> None:
    app = create_app(Settings(models=models, device="cpu"))  # whose defaults are not served
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        assert (await client.post("/denoise", content=picture(5, 9))).status_code == 200
        answer = await client.post("/denoise", json={"inputs": [[[0.5] * 4] * 4]})
    assert (answer.status_code, answer.json()["code"]) == (404, "model-not-found")


@pytest.mark.parametrize("told", ["", "image/x-icon", "application/pdf"])
async def test_a_picture_of_another_format_is_named(start: Start, told: str) -> None:
    body, headers = b"%PDF-1.7" + bytes(99), {"Content-Type": told}
    answer = await start().post("/denoise?model=photo", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported-media-type")
    assert answer.json()["detail"].startswith("picture: PDF is not read here")


@pytest.mark.parametrize("name", ["tiff", "avif", "heic", "bmp", "gif", "jp2", "jxl", "raw"])
async def test_a_photograph_of_every_format_is_answered_in_its_own_or_what_accept_asks_for(
    start: Start, name: Name
) -> None:
    body = format_files.every()[name]
    client = start()
    answer = await client.post("/denoise?model=photo", content=body)
    kind = BY_NAME[name].media_type
    assert answer.headers["content-type"] == default_for(kind)
    assert media_type_of(answer.content) == default_for(kind)
    asked = await client.post(
        "/denoise?model=photo", content=body, headers={"Accept": "image/avif"}
    )
    assert media_type_of(asked.content) == "image/avif"
    off = start(formats=[each for each in NAMES if each != name])
    refused = await off.post("/denoise?model=photo", content=body)
    assert (refused.status_code, refused.json()["code"]) == (415, "unsupported-media-type")
    assert "is turned off here (SERVICE_FORMATS)" in refused.json()["detail"]


async def test_a_truncated_jpeg_is_read_where_that_is_asked_for(start: Start) -> None:
    whole = picture(64, 64, kind="JPEG")
    cut = whole[: -len(whole) // 4]
    refused = await start().post("/denoise?model=photo", content=cut)
    assert (refused.status_code, refused.json()["code"]) == (400, "malformed-body")
    client = start(truncated="accept")
    answer = await client.post("/denoise?model=photo", content=cut)
    assert answer.status_code == 200
    assert re.fullmatch(r"truncated; rows \d+ of 64", answer.headers["x-image-warning"])
    both = [("file", (name, cut)) for name in "ab"]
    several = await client.post("/denoise?model=photo", files=both)
    warning = answer.headers["x-image-warning"]
    assert several.headers["x-image-warning"] == f"1: {warning}, 2: {warning}"
    assert (
        "x-image-warning" not in (await client.post("/denoise?model=photo", content=whole)).headers
    )
