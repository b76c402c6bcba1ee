"""A part of a photograph, denoised as the same part of the whole is."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from service.errors import InvalidValue
from service.images import exif as exif_data
from service.images import xmp
from service.inference.loader import load
from service.inference.tiling.canvas import Picture
from service.inference.tiling.controls import Controls, Region
from tests.service.photograph_files import encoded, exif
from tests.service.running import ROOT
from tests.service.tile_runs import record_shapes
from tests.service.tiny import Start, write_model

RANDOM = np.random.default_rng(0)
REGIONS = [
    Region(0, 0, 1, 1),
    Region(0, 0, 90, 67),  # all of it
    Region(5, 3, 17, 9),
    Region(50, 1, 40, 66),  # to the lower right corner
    Region(33, 60, 9, 7),
]


def picture(height: int, width: int) -> Picture:
    """Rows of different noise, on a slope."""
    noise = RANDOM.standard_normal((height, width, 3)) * np.linspace(1, 20, height)[:, None, None]
    slope = np.linspace(60, 190, width)[None, :, None]
    return np.asarray(np.clip(np.rint(slope + noise), 0, 255), np.uint8)


def part_of(whole: Picture, region: Region) -> Picture:
    x, y, width, height = region
    return whole[y : y + height, x : x + width]


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("kind", ["photo", "informed"])
def test_it_is_the_same_part_of_the_whole(tmp_path: Path, kind: str, region: Region) -> None:
    denoiser = load(write_model(tmp_path, kind)).photographs()
    for noisy in (picture(67, 90), picture(67, 90)[..., 0], picture(67, 90) / np.float32(255)):
        for core in (16, 512):
            done: list[int] = []
            chosen = Controls(effort=2, luma=0.5, region=region)
            found = denoiser.denoise_now(noisy, controls=chosen, core=core, done=done.append)
            whole = denoiser.denoise_now(noisy, controls=Controls(effort=2, luma=0.5), core=core)
            expected = part_of(whole.output, region)
            assert found.output.shape == expected.shape
            np.testing.assert_allclose(found.output, expected, atol=1e-5)
            assert [each.sigma for each in found.noise] == [each.sigma for each in whole.noise]
            assert sum(done) == 67 * 90


def test_it_is_gray_where_all_of_the_photograph_is(tmp_path: Path) -> None:
    denoiser = load(write_model(tmp_path, "photo")).photographs()
    noisy = np.repeat(picture(40, 40)[..., :1], 3, axis=-1)
    noisy[39, 39, 0] ^= 1  # beyond the region
    region = Region(0, 0, 16, 16)
    found = denoiser.denoise_now(noisy, controls=Controls(region=region)).output
    assert (found == part_of(denoiser.denoise_now(noisy).output, region)).all()
    assert (found[..., 0] != found[..., 2]).any()


def test_of_the_shipped_model_it_is_the_same_but_for_rounding() -> None:
    denoiser = load(ROOT / "models" / "photo" / "1").photographs()
    noisy = picture(300, 420)
    whole = denoiser.denoise_now(noisy).output
    for region in (Region(131, 77, 100, 90), Region(300, 0, 120, 40)):
        found = denoiser.denoise_now(noisy, controls=Controls(region=region)).output
        difference = np.abs(found.astype(int) - part_of(whole, region))
        assert difference.max() <= 1
        assert (difference > 0).mean() < 0.001


def test_it_runs_on_little_more_than_its_own_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    denoiser = load(write_model(tmp_path, "photo")).photographs()
    shapes, region = record_shapes(monkeypatch), Region(501, 203, 60, 30)
    denoiser.denoise_now(picture(800, 1000), controls=Controls(region=region))
    assert shapes == [(1, 56, 88, 3)]  # with a halo of 8, from and to multiples of 8
    assert denoiser.tiling.most_around(region) >= 56 * 88


def test_none_of_the_noise_may_be_removed_of_it(tmp_path: Path) -> None:
    denoiser = load(write_model(tmp_path, "photo")).photographs()
    noisy, region = picture(30, 40), Region(3, 4, 5, 6)
    found = denoiser.denoise_now(noisy, controls=Controls(strength=0, region=region)).output
    assert (found == part_of(noisy, region)).all()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1,2,3",
        "1,2,3,4,5",
        "1,2,0,4",
        "1,2,3,0",
        "-1,0,1,1",
        "1.0,0,1,1",
        "a,b,c,d",
        "1, 2,3,4",
    ],
)
def test_what_is_no_region_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue, match="region: expected x,y,width,height in pixels"):
        Region.parse(text)


@pytest.fixture
def photograph() -> bytes:
    return encoded(Image.fromarray(picture(30, 40)), "PNG")


async def test_it_comes_in_the_photographs_format(start: Start) -> None:
    client = start(default_picture="photo")
    levels = picture(30, 40)
    alpha = RANDOM.integers(0, 256, (30, 40, 1), np.uint8)
    files = {
        "PNG": encoded(Image.fromarray(np.dstack([levels, alpha])), "PNG"),
        "WEBP": encoded(Image.fromarray(levels), "WEBP", lossless=True),
        "JPEG": encoded(Image.fromarray(levels), "JPEG", quality=95),
    }
    for kind, body in files.items():
        whole = await client.post("/denoise?quality=100", content=body)
        answer = await client.post("/denoise?quality=100&region=7,3,21,16", content=body)
        assert answer.status_code == 200, answer.text
        found, all_of_it = (Image.open(io.BytesIO(each.content)) for each in (answer, whole))
        assert (found.format, found.size, found.mode) == (kind, (21, 16), all_of_it.mode)
        expected = part_of(np.asarray(all_of_it).astype(int), Region(7, 3, 21, 16))
        most = 8 if kind == "JPEG" else 0  # whose blocks lie elsewhere
        assert np.abs(np.asarray(found) - expected).max() <= most


async def test_it_is_counted_on_the_upright_photograph(start: Start) -> None:
    client = start(default_picture="photo")
    turned = encoded(Image.fromarray(picture(30, 40)), "PNG", exif=b"Exif\0\0" + exif("<", 6))
    whole = Image.open(io.BytesIO((await client.post("/denoise", content=turned)).content))
    assert whole.size == (30, 40)
    answer = await client.post("/denoise?region=20,25,10,15", content=turned)
    found = Image.open(io.BytesIO(answer.content))
    expected = part_of(np.asarray(whole), Region(20, 25, 10, 15))
    np.testing.assert_array_equal(np.asarray(found), expected)
    answer = await client.post("/denoise?region=25,20,15,10", content=turned)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-value")
    assert answer.json()["detail"] == (
        "region: expected a part of the photograph, which is 30x40, received 25,20,15,10"
    )


async def test_sizes_in_metadata_are_those_of_the_region(start: Start) -> None:
    tags = Image.Exif()
    tags[0x0100], tags[0x0101], tags[0x010E] = 40, 30, "a lake"
    tags.get_ifd(0x8769).update({0xA002: 40, 0xA003: 30, 0x8827: 200})
    packet = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        b'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/" '
        b'tiff:ImageWidth="40" tiff:ImageLength="30"><exif:PixelXDimension>40'
        b"</exif:PixelXDimension><exif:PixelYDimension>30</exif:PixelYDimension>"
        b"</rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    image = Image.fromarray(picture(30, 40))
    body = encoded(image, "JPEG", exif=tags.tobytes(), xmp=packet)
    client = start(default_picture="photo")
    answer = await client.post("/denoise?region=1,2,21,16", content=body)
    found = Image.open(io.BytesIO(answer.content))
    assert found.size == (21, 16)
    kept = found.getexif()
    own = kept.get_ifd(0x8769)
    assert (kept[0x0100], kept[0x0101], kept[0x010E]) == (21, 16, "a lake")
    assert (own[0xA002], own[0xA003], own[0x8827]) == (21, 16, 200)
    assert found.info["xmp"] == packet.replace(b'"40"', b'"21"').replace(b'"30"', b'"16"').replace(
        b">40", b">21"
    ).replace(b">30", b">16")


@pytest.mark.parametrize("data", [b"", b"II*\0", exif("<", 6)[:14], b"MM\0*\xff\xff\xff\xff"])
def test_damaged_metadata_stay_as_they_are(data: bytes) -> None:
    assert len(exif_data.resized(data, 3, 4)) == len(data)
    assert xmp.resized(data, 3, 4) == data


def tensor(array: Picture) -> dict[str, Any]:
    data = array.ravel().tolist()
    return {"name": "images", "shape": list(array.shape), "datatype": "UINT8", "data": data}


async def test_arrays_forms_and_open_inference_have_regions_too(start: Start) -> None:
    client, noisy = start(default_picture="photo"), picture(30, 40)
    query = "/denoise?model=photo&effort=4"
    np.save(body := io.BytesIO(), np.stack([noisy, noisy[::-1]]))
    whole = np.load(io.BytesIO((await client.post(query, content=body.getvalue())).content))
    answer = await client.post(f"{query}&region=7,3,21,16", content=body.getvalue())
    expected = whole[:, 3:19, 7:28]
    np.testing.assert_array_equal(np.load(io.BytesIO(answer.content)), expected)
    files = [("file", encoded(Image.fromarray(each), "PNG")) for each in (noisy, noisy[::-1])]
    answer = await client.post(f"{query}&region=7,3,21,16", files=files)
    np.testing.assert_allclose(np.array(answer.json()["outputs"]) * 255, expected, atol=1e-3)
    asked = {
        "inputs": [tensor(noisy[None])],
        "parameters": {"region": "7,3,21,16", "effort": 4, "timeout": 5},
    }
    answer = await client.post("/v2/models/photo.denoise/infer", json=asked)
    (output,) = answer.json()["outputs"]
    assert output["shape"] == [1, 16, 21, 3]
    found = np.reshape(output["data"], output["shape"]) * 255
    np.testing.assert_allclose(found, expected[:1], atol=1e-3)


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("region", "1,2,3", "region: expected x,y,width,height in pixels, 0,0,640,480 for example"),
        ("region", "1,2,40,3", "region: expected a part of the photograph, which is 40x30, recei"),
        ("effort", "3", "effort: expected 1, 2, 4 or 8, received 3"),
        ("effort", "most", "effort: expected a whole number, received 'most'"),
    ],
)
async def test_what_cannot_be_is_explained(
    start: Start, photograph: bytes, name: str, value: str, fault: str
) -> None:
    client = start(default_picture="photo")
    np.save(array := io.BytesIO(), picture(30, 40)[None])
    for path, body in (("/denoise", photograph), ("/denoise?model=photo", array.getvalue())):
        joint = "&" if "?" in path else "?"
        answer = await client.post(f"{path}{joint}{name}={value}", content=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-value")
        assert answer.json()["detail"].startswith(fault)
    asked = {"inputs": [tensor(picture(30, 40)[None])], "parameters": {name: value}}
    answer = await client.post("/v2/models/photo.denoise/infer", json=asked)
    assert answer.status_code == 422
    assert answer.json()["error"].startswith(fault)


async def test_a_region_of_much_is_little_as_numbers(start: Start, photograph: bytes) -> None:
    client = start(default_picture="photo", max_output_bytes=1000)
    asked = {"Accept": "application/x-npy"}
    whole = await client.post("/denoise", content=photograph, headers=asked)
    assert whole.status_code == 413
    answer = await client.post("/denoise?region=1,2,3,4", content=photograph, headers=asked)
    assert np.load(io.BytesIO(answer.content)).shape == (1, 4, 3, 3)
