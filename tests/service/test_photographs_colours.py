"""Colours look as in the PNG where JPEG and WebP have no place for its chunks."""

import io
import struct
import zlib

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ImageCms

from service.images.decode import read
from service.images.encode import write
from service.images.formats import JPEG, PNG, WEBP
from service.images.icc import profile_for
from service.images.photograph import ColourChunks, Metadata, Samples
from tests.service.photograph_files import LIMIT, SRGB, opened, photograph
from tests.service.png_files import BANDS, chunk, chunks_of, file_of

Floats = NDArray[np.float64]

D65 = (0.3127, 0.3290)
SRGB_PRIMARIES = (*D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
P3 = (*D65, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
BT2020 = (*D65, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046)


def gama(exponent: float) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", round(exponent * 100_000)))


def chrm(points: tuple[float, ...]) -> bytes:
    return chunk(b"cHRM", struct.pack(">8I", *(round(value * 100_000) for value in points)))


def cicp(primaries: int, transfer: int) -> bytes:
    return chunk(b"cICP", bytes([primaries, transfer, 0, 1]))


def to_xyz(points: tuple[float, ...]) -> Floats:
    """Linear RGB to XYZ with white of Y = 1 (SMPTE RP 177)."""
    white, *primaries = np.reshape(points, (4, 2))
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries]).T
    x, y = white
    return columns * np.linalg.solve(columns, [x / y, 1, (1 - x - y) / y])


def srgb_linear(values: Floats) -> Floats:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def expected(pixels: Samples, linear: Floats, points: tuple[float, ...]) -> Floats:
    """Linear light of a colour space with a white of D65, as sRGB of 8 bits."""
    colours = linear if pixels.ndim == 3 else np.dstack([linear] * 3)
    light = colours @ (np.linalg.inv(to_xyz(SRGB_PRIMARIES)) @ to_xyz(points)).T
    light = np.clip(light, 0, 1)
    return 255 * np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def shown(body: bytes) -> NDArray[np.uint8]:
    """What a program that knows of ICC profiles shows on a display of sRGB."""
    picture = opened(body)
    profile = picture.info.get("icc_profile")
    if profile is not None:
        found = ImageCms.profileToProfile(
            picture,
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.NOOPTIMIZE,
        )
        assert found is not None
        picture = found
    return np.asarray(picture.convert("RGB"))


RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)
# Colours that lie within sRGB, so that nobody clips them in a way of their own.
SOFT = np.random.default_rng(0).integers(-20, 20, (16, 16, 3)) + RAMP[..., None] * 0.7 + 38
COLOURS = SOFT.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("media_type", [WEBP, JPEG])
@pytest.mark.parametrize("pixels", [RAMP, COLOURS], ids=["gray", "colour"])
@pytest.mark.parametrize(
    ("colour_chunks", "power", "points"),
    [
        ([gama(1)], 1.0, SRGB_PRIMARIES),
        ([gama(1 / 1.8)], 1.8, SRGB_PRIMARIES),
        ([gama(1 / 2.6)], 2.6, SRGB_PRIMARIES),
        ([gama(0.45455), chrm(P3)], 2.2, P3),
        ([gama(1), chrm(BT2020)], 1.0, BT2020),
        ([gama(0.45455), chrm(SRGB_PRIMARIES)], 2.2, SRGB_PRIMARIES),
        ([cicp(12, 13)], None, P3),
        ([cicp(9, 14)], 2.4, BT2020),
        ([cicp(1, 8), gama(0.3)], 1.0, SRGB_PRIMARIES),
        ([cicp(1, 4)], 2.2, SRGB_PRIMARIES),
        ([gama(1), chrm((0,) * 8)], 1.0, SRGB_PRIMARIES),
        ([cicp(1, 8), chunk(b"iCCP", b"x\0\0" + zlib.compress(SRGB))], 1.0, SRGB_PRIMARIES),
    ],
    ids=lambda value: (
        "+".join(one[4:8].decode() for one in value) if isinstance(value, list) else ""
    ),
)
def test_the_colours_of_a_png_look_the_same_in_other_formats(
    colour_chunks: list[bytes],
    power: float | None,
    points: tuple[float, ...],
    pixels: NDArray[np.uint8],
    media_type: str,
) -> None:
    colour_type = 0 if pixels.ndim == 2 else 2
    body = file_of(pixels.reshape(16, 16, BANDS[colour_type]), colour_type, 8, *colour_chunks)
    found = read(body, LIMIT)
    np.testing.assert_array_equal(found.pixels, pixels)
    result = write(found, media_type, 100)
    stored = np.asarray(opened(result))  # after JPEG's own loss
    same = pixels if stored.ndim == pixels.ndim else np.dstack([pixels] * 3)
    np.testing.assert_allclose(stored, same, atol=6 if media_type == JPEG else 0)
    values = stored / 255
    linear = srgb_linear(values) if power is None else values**power
    np.testing.assert_allclose(shown(result), expected(stored, linear, points), atol=1.6)
    # The PNG itself keeps its chunks, and gets no profile.
    kept = chunks_of(write(found, PNG))
    assert {*kept, b"iCCP"} == {*chunks_of(body), b"iCCP"}
    assert b"iCCP" not in kept or b"iCCP" in body


@pytest.mark.parametrize(
    "colour_chunks",
    [
        [],
        [gama(0.45455)],
        [gama(0.46)],
        [chrm(P3)],
        [gama(0)],
        [chunk(b"gAMA", b"\xff\xff\xff\xff")],
        [chunk(b"sRGB", b"\0"), gama(1), chrm(P3)],
        [cicp(2, 13)],
        [cicp(1, 2)],
        [chunk(b"cICP", bytes([1, 8, 1, 1]))],
    ],
)
def test_what_is_srgb_or_unknown_gets_no_profile(colour_chunks: list[bytes]) -> None:
    found = read(file_of(COLOURS, 2, 8, *colour_chunks), LIMIT)
    for media_type in (JPEG, WEBP):
        assert "icc_profile" not in opened(write(found, media_type)).info


@pytest.mark.parametrize("pixels", [RAMP, COLOURS], ids=["gray", "colour"])
@pytest.mark.parametrize(("transfer", "half"), [(16, 0.00922), (18, 1 / 12)])
def test_high_dynamic_range_is_named_in_the_profile(
    transfer: int, half: float, pixels: NDArray[np.uint8]
) -> None:
    """Displays adapt it to what they can show, so there is no one look to compare with."""
    colour_type = 0 if pixels.ndim == 2 else 2
    body = file_of(pixels.reshape(16, 16, BANDS[colour_type]), colour_type, 8, cicp(9, transfer))
    found = read(body, LIMIT)
    for media_type in (JPEG, WEBP):
        picture = opened(write(found, media_type, 100))
        assert picture.mode == "RGB"
        profile = picture.info["icc_profile"]
        assert profile[profile.index(b"cicp\0\0\0\0") + 8 :][:4] == bytes([9, transfer, 0, 1])
        table = profile[profile.index(b"curv\0\0\0\0") + 8 :]
        (count,) = struct.unpack_from(">I", table)
        curve = np.frombuffer(table, ">u2", count, 4) / 65535
        assert (curve[0], curve[-1]) == (0, 1)
        assert (np.diff(curve) >= 0).all()
        assert curve[count // 2] == pytest.approx(half, rel=0.01)


def gray_profile(curve: bytes, space: bytes = b"XYZ ") -> bytes:
    """An ICC profile of version 2 with a curve alone."""
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", 5) + b"gray\0" + bytes(78),
        b"wtpt": b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061),
        b"kTRC": curve,
        b"cprt": b"text" + bytes(4) + b"CC0\0",
    }
    at, table, data = 132 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        table += struct.pack(">4sII", name, at + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    size = at + len(data)
    header = struct.pack(">I4xI4s4s4s", size, 0x02400000, b"mntr", b"GRAY", space)
    header += struct.pack(">6H4s28x3i", 2026, 1, 1, 0, 0, 0, b"acsp", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + table + data


GAMMA = b"curv" + bytes(4) + struct.pack(">IH", 1, round(1.8 * 256))
TABLE = (
    b"curv"
    + bytes(4)
    + struct.pack(">I256H", 256, *(round(65535 * (n / 255) ** 3) for n in range(256)))
)
PARAMETRIC = b"para" + bytes(8) + struct.pack(">i", round(2.6 * 65536))


@pytest.mark.parametrize(
    ("curve", "power"),
    [(GAMMA, 1.8), (TABLE, 3.0), (PARAMETRIC, 2.6)],
    ids=["gamma", "table", "para"],
)
@pytest.mark.parametrize("taken", [PNG, JPEG])
def test_a_gray_profile_gives_the_same_look_in_webp(taken: str, curve: bytes, power: float) -> None:
    source = write(photograph(RAMP, icc=gray_profile(curve)), taken, 100)
    found = read(source, LIMIT)
    assert found.metadata.icc == gray_profile(curve)
    result = shown(write(found, WEBP, 100))
    values = expected(found.pixels, (found.pixels / 255) ** power, SRGB_PRIMARIES)
    np.testing.assert_allclose(result, values, atol=1.6)
    np.testing.assert_allclose(result, shown(write(found, PNG)), atol=1)


def test_a_gray_profile_of_lightness_has_its_pixels_converted() -> None:
    """Its curve leads to L* instead of light, for which RGB profiles have no place."""
    icc = gray_profile(b"curv" + bytes(4) + struct.pack(">I", 0), b"Lab ")
    result = write(photograph(RAMP, icc=icc), WEBP, 100)
    assert "icc_profile" not in opened(result).info
    lightness = RAMP / 255 * 100
    light = np.where(lightness > 8, ((lightness + 16) / 116) ** 3, lightness * (3 / 29) ** 3)
    np.testing.assert_allclose(shown(result), expected(RAMP, light, SRGB_PRIMARIES), atol=1.6)


@pytest.mark.parametrize("length", [0, 10, 127, 131, 140, 200, 240])
def test_a_gray_profile_that_is_cut_off_fails_nothing(length: int) -> None:
    icc = gray_profile(GAMMA)[:length]
    found = opened(write(photograph(RAMP, icc=icc), WEBP, 100))
    assert "icc_profile" not in found.info
    np.testing.assert_array_equal(np.asarray(found)[..., 0], RAMP)


def test_a_gray_profile_of_a_picture_in_colour_counts_for_nothing() -> None:
    metadata = Metadata(icc=gray_profile(GAMMA))
    assert profile_for(metadata, was_gray=False, is_gray=False) is None


def test_the_profile_is_the_same_each_time() -> None:
    metadata = Metadata(colour=ColourChunks(chromaticities=P3, gamma=0.45455))
    profiles = {profile_for(metadata, was_gray=False, is_gray=False) for _ in range(2)}
    assert len(profiles) == 1
