"""Files whose pixels end early are refused, however orderly they end."""

import io
import itertools
import zlib
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image, ImageFile

from service.errors import MalformedBody
from service.images.decode import read
from service.images.formats import Policy
from service.images.jpeg_segments import scan
from tests.service.photograph_files import LIMIT, encoded, exif, joined, samples, smooth
from tests.service.png_files import ADAM7, BANDS, chunk, chunks_of, file_of

EOI = b"\xff\xd9"


def with_data(body: bytes, data: bytes) -> bytes:
    """Return a PNG with other data in a zlib stream that ends in order."""
    start = body.index(b"IDAT") - 4
    return body[:start] + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("last", ["black", "mark", "noise"])
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("colour_type", [0, 2, 4, 6])
def test_a_png_that_ends_behind_a_row_is_refused(colour_type: int, depth: int, last: str) -> None:
    values = samples(BANDS[colour_type], depth)
    if last != "noise":  # which the decoder leaves where it did not come
        values[-1] = 0 if last == "black" else 0x5A * (257 if depth == 16 else 1)
    body = file_of(values, colour_type, depth)
    np.testing.assert_array_equal(joined(read(body, LIMIT)), values)
    data = zlib.decompress(chunks_of(body)[b"IDAT"])
    row = len(data) // len(values)
    for rows in (1, 10, len(values) - 1):
        with pytest.raises(MalformedBody, match="received a truncated one"):
            read(with_data(body, data[: rows * row]), LIMIT)
    with pytest.raises(MalformedBody):
        read(with_data(body, data[: 10 * row + 1]), LIMIT)


@pytest.mark.parametrize("size", [(21, 13), (8, 8), (1, 9), (9, 1), (5, 2), (2, 5)])
@pytest.mark.parametrize(("colour_type", "depth"), [(0, 1), (0, 8), (2, 8), (2, 16), (3, 4)])
def test_an_interlaced_png_without_all_of_its_passes_is_refused(
    colour_type: int, depth: int, size: tuple[int, int]
) -> None:
    values = samples(BANDS[colour_type], depth, size)
    palette = [chunk(b"PLTE", bytes(range(48)))] if colour_type == 3 else []
    body = file_of(values, colour_type, depth, *palette, interlaced=True)
    read(body, LIMIT)
    data = zlib.decompress(chunks_of(body)[b"IDAT"])
    bits = BANDS[colour_type] * depth
    ends, at = [], 0
    for top, left, down, across in ADAM7:
        rows, columns = len(values[top::down, :1]), values[:, left::across].shape[1]
        at += rows * (1 + (columns * bits + 7) // 8) if columns else 0
        ends.append(at)
    assert at == len(data)
    for end in {*ends} - {0, len(data)}:
        with pytest.raises(MalformedBody, match="received a truncated one"):
            read(with_data(body, data[:end]), LIMIT)


def test_what_follows_the_pixels_of_a_png_is_no_fault() -> None:
    values = samples(3)
    body = file_of(values, 2, 8)
    data = zlib.decompress(chunks_of(body)[b"IDAT"])
    np.testing.assert_array_equal(read(with_data(body, data + bytes(99)), LIMIT).pixels, values)
    np.testing.assert_array_equal(read(body[:-12], LIMIT).pixels, values)


def noisy(mode: str, size: tuple[int, int]) -> Image.Image:
    pixels = np.asarray(smooth(mode, size)).astype(int)
    noise = np.random.default_rng(0).integers(-30, 30, pixels.shape[:2])
    pixels += noise if mode == "L" else noise[..., None]
    return Image.frombytes(mode, size, pixels.clip(0, 255).astype(np.uint8).tobytes())


def jpegs() -> Iterator[tuple[str, bytes]]:
    cases = itertools.product(
        ("L", "RGB", "CMYK"), ((90, 60), (8, 8)), ("baseline", "progressive"), (0, 1, 5)
    )
    for mode, size, kind, restart in cases:
        stream = io.BytesIO()
        noisy(mode, size).save(
            stream,
            "JPEG",
            quality=90,
            progressive=kind == "progressive",
            restart_marker_blocks=restart,
        )
        yield f"{mode} {size} {kind} {restart}", stream.getvalue()


@pytest.fixture(autouse=True)
def room_for_small_jpegs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow's buffer for a small file with many restart markers is too small."""
    monkeypatch.setattr(ImageFile, "MAXBLOCK", 1 << 20)


def is_read(body: bytes) -> bool:
    try:
        read(body, LIMIT)
    except MalformedBody:
        return False
    return True


def test_a_jpeg_whose_data_end_early_at_a_marker_is_refused() -> None:
    for name, body in jpegs():
        read(body, LIMIT)
        scans = bytes(scan(body).scans)
        start = len(body) - len(scans)
        # A decoder that has all of a scan may go without the next ones.
        ends = [found for found in range(len(scans)) if scans[found : found + 2] == b"\xff\xda"]
        boundaries = {end for at in ends for end in range(at - 40, at + 12)}
        for share in (0.0, 0.1, 0.3, 0.5, 0.7, 0.9):
            cut = int((len(scans) - 6) * share)
            if cut in boundaries:
                continue
            assert not is_read(body[: start + cut] + EOI), f"{name}: {cut} of {len(scans)} bytes"


def test_a_jpeg_without_its_end_is_refused_as_before() -> None:
    for _, body in jpegs():
        with pytest.raises(MalformedBody, match="received a truncated one"):
            read(body[:-2], LIMIT)


def test_a_jpeg_of_one_scan_needs_no_end_before_what_follows() -> None:
    body = encoded(smooth(), "JPEG")
    expected = read(body, LIMIT).pixels
    np.testing.assert_array_equal(read(body[:-2] + bytes(99), LIMIT).pixels, expected)
    with pytest.raises(MalformedBody, match="received a truncated one"):
        read(body[: len(body) // 2] + b"\0", LIMIT)


@pytest.mark.parametrize("garbage", [b"\0" * 9, b"\xff\x00" * 9, b"\xff\xff\xff", b"\x55" * 5000])
def test_garbage_behind_the_data_of_a_jpeg_is_no_fault(garbage: bytes) -> None:
    for name, body in jpegs():
        if "CMYK" in name:
            continue
        expected = read(body, LIMIT).pixels
        found = read(body[:-2] + garbage + EOI + b"an appended film", LIMIT).pixels
        np.testing.assert_array_equal(found, expected)


PARTLY = Policy(reads_truncated=True)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("restart", [0, 3])
def test_the_rows_of_a_truncated_jpeg_are_read_where_that_is_asked_for(
    mode: str, restart: int
) -> None:
    body = encoded(noisy(mode, (90, 200)), "JPEG", quality=90, restart_marker_blocks=restart)
    whole = read(body, LIMIT, PARTLY)
    assert whole.warning is None
    for share in (0.3, 0.6, 0.9):
        cut = body[: int(share * len(body))]
        for end in (b"", EOI):
            with pytest.raises(MalformedBody, match="received a truncated one"):
                read(cut + end, LIMIT)
            found = read(cut + end, LIMIT, PARTLY)
            assert found.warning
            rows = int(found.warning.removeprefix("truncated; rows ").removesuffix(" of 200"))
            assert abs(rows - 200 * share) < 40
            near = rows - 16  # in the last ones the data end
            np.testing.assert_array_equal(found.pixels[:near], whole.pixels[:near])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_warning_says_which_part_of_the_upright_picture_is_there(orientation: int) -> None:
    told = b"Exif\0\0" + exif("<", orientation)
    body = encoded(noisy("RGB", (90, 200)), "JPEG", quality=90, exif=told)
    whole, found = read(body, LIMIT), read(body[: len(body) // 2], LIMIT, PARTLY)
    assert found.warning
    what, count, of, *edge = found.warning.removeprefix("truncated; ").replace(" of ", " ").split()
    kept = int(count) - 16
    across = what == "columns"
    assert int(of) == found.pixels.shape[across] == 200
    same = (found.pixels == whole.pixels).all(axis=(1 - across, 2))
    part = same[-kept:] if edge else same[:kept]
    assert part.all()
    assert not (same[:kept] if edge else same[-kept:]).all()


def test_a_jpeg_that_lacks_its_end_alone_is_whole() -> None:
    body = encoded(noisy("RGB", (90, 60)), "JPEG", quality=90)
    found = read(body[:-2], LIMIT, PARTLY)
    np.testing.assert_array_equal(found.pixels, read(body, LIMIT).pixels)
    assert found.warning == "truncated; rows 60 of 60"


def test_a_truncated_progressive_jpeg_is_read_as_a_coarser_one() -> None:
    body = encoded(noisy("RGB", (90, 60)), "JPEG", quality=90, progressive=True)
    found = read(body[: len(body) // 2], LIMIT, PARTLY)
    assert found.warning == "truncated"
    assert np.abs(found.pixels.astype(int) - read(body, LIMIT).pixels).mean() < 20


def test_what_is_no_picture_at_all_is_refused_even_so() -> None:
    body = encoded(noisy("RGB", (90, 60)), "JPEG", quality=90)
    start = len(body) - len(scan(body).scans)
    for cut in (4, start // 2, start):
        with pytest.raises(MalformedBody):
            read(body[:cut], LIMIT, PARTLY)
    with pytest.raises(MalformedBody):
        read(encoded(smooth(), "PNG")[:-40], LIMIT, PARTLY)
