"""Photographs are read and written in memory that grows with their pixels, whatever their shape."""

import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from service.images import pillow
from service.images import png_encoder as png
from service.images.decode import read
from service.images.encode import write
from service.images.formats import JPEG, PNG
from tests.service.photograph_files import exif, joined, photograph, samples
from tests.service.png_files import chunk, file_of, samples_of
from tests.service.running import ROOT

MEGA = 1_000_000


def peak_of(act: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        act()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("depth", [8, 16])
def test_a_wide_png_is_written_in_small_parts(depth: int) -> None:
    values = np.zeros((2, 200_000, 4), np.uint8 if depth == 8 else np.uint16)
    pixels, alpha = values[..., :3], values[..., 3]
    assert peak_of(lambda: write(photograph(pixels, alpha), PNG)) < 3 * MEGA


def test_16_bits_of_a_wide_photograph_are_rounded_in_small_parts() -> None:
    pixels = np.zeros((32, 65_500, 3), np.uint16)
    rounded = pixels.size
    assert peak_of(lambda: write(photograph(pixels), JPEG)) < rounded + 8 * MEGA


def test_a_wide_photograph_is_read_in_small_parts() -> None:
    pixels = np.zeros((20, 100_000, 3), np.uint8)
    body = write(photograph(pixels), PNG)
    assert peak_of(lambda: read(body, 2 * MEGA)) < pixels.nbytes + 4 * MEGA


@pytest.mark.parametrize("strip", [1, 50, 200, 1000])
@pytest.mark.parametrize(("bands", "depth"), [(1, 8), (3, 8), (2, 16), (4, 16)])
def test_a_png_in_parts_holds_every_bit(
    bands: int, depth: int, strip: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = samples(bands, depth)
    pixels = values[..., 0] if bands < 3 else values[..., :3]
    alpha = values[..., -1] if bands % 2 == 0 else None
    whole = png.encode(pixels, alpha)
    monkeypatch.setattr(png, "STRIP", strip)
    assert png.encode(pixels, alpha) == whole
    np.testing.assert_array_equal(samples_of(whole), values)


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("strip", [1, 30, 200])
@pytest.mark.parametrize(("bands", "depth"), [(1, 16), (3, 8), (4, 16)])
def test_a_photograph_that_is_read_in_parts_is_whole(
    bands: int, depth: int, strip: int, orientation: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = samples(bands, depth)
    colour_type = {1: 0, 3: 2, 4: 6}[bands]
    body = file_of(values, colour_type, depth, chunk(b"eXIf", exif("<", orientation)))
    monkeypatch.setattr(pillow, "STRIP", strip)
    expected = values if orientation == 1 else np.rot90(values, 3)
    np.testing.assert_array_equal(joined(read(body, MEGA)), expected)


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_16_bits_of_colour_and_alpha_are_read_in_less_than_twice_their_memory(
    tmp_path: Path,
) -> None:
    """In a process of its own: Pillow's memory is none of Python's."""
    values = np.random.default_rng(0).integers(0, 1 << 16, (1000, 1000, 4), np.uint16)
    pixels, alpha = values[..., :3], values[..., 3]
    (tmp_path / "large.png").write_bytes(write(photograph(pixels, alpha), PNG))
    (tmp_path / "small.png").write_bytes(file_of(samples(4, 16), 6, 16))
    script = """
import pathlib, re, sys
from service.images.decode import read
def memory(name):
    status = pathlib.Path("/proc/self/status").read_text()
    return int(re.search(name + r":\\s+(\\d+) kB", status)[1]) * 1024
small, large = (memoryview(pathlib.Path(name).read_bytes()) for name in sys.argv[1:])
read(small, 1_000_000)  # with what is imported for it
before = memory("VmRSS")
found = read(large, 1_000_000)
print((memory("VmHWM") - before) / found.pixels.base.nbytes)
"""
    files = [str(tmp_path / name) for name in ("small.png", "large.png")]
    words = [sys.executable, "-c", script, *files]
    ran = subprocess.run(words, cwd=ROOT, capture_output=True, check=True, timeout=120)
    assert float(ran.stdout) < 2
