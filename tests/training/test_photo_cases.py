"""The noise that denoisers of photographs are measured on is what its name says."""

import io
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from training.datasets import photos
from training.photo import camera_simulation
from training.photo.cases import camera, flat, grain, grid, impulse, jpeg, pairs, white
from training.photo.cases.case import Case, rms
from training.photo.noise.jpeg import Writing
from training.photo.noise.types import to_bytes, to_floats

GRAY = np.full((96, 80, 3), 128, np.uint8)
IMAGE = np.random.default_rng(3).integers(0, 256, (40, 30, 3), np.uint8)


def noise_of(case: Case, index: int = 0) -> NDArray[np.float64]:
    return case.noisy[index].astype(np.float64) - case.clean[index]


def neighbours(noise: NDArray[np.float64]) -> float:
    """The correlation of neighbours along a row, of the mean of the channels."""
    shared = noise.mean(-1)
    return float(np.corrcoef(shared[:, 1:].ravel(), shared[:, :-1].ravel())[0, 1])


def channels(noise: NDArray[np.float64]) -> float:
    return float(np.corrcoef(noise[..., 0].ravel(), noise[..., 1].ravel())[0, 1])


def test_white_noise_is_that_of_the_index_clipped_and_rounded() -> None:
    noise = np.random.default_rng(1).standard_normal((40, 30, 3)) * 25
    expected = np.round(np.clip(IMAGE.astype(float) + noise, 0, 255)).astype(np.uint8)
    case = white.case([IMAGE, IMAGE], 25)
    np.testing.assert_array_equal(case.noisy[1], expected)
    assert not np.array_equal(case.noisy[0], case.noisy[1])
    assert (case.condition, case.sigma) == ("white noise of sigma 25", [25, 25])


def test_the_sigma_of_a_measured_case_is_the_rms_of_its_noise() -> None:
    shifted = GRAY.copy()
    shifted[::2] += 6
    (sigma,) = Case.measured("shifted", [GRAY], [shifted]).sigma
    assert sigma == pytest.approx(math.sqrt(18))
    assert rms(np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), 255, np.uint8)) == 255


def test_the_grid_has_noise_of_each_blur_and_each_correlation_of_the_channels() -> None:
    found = list(grid.cases([GRAY, GRAY]))
    assert len(found) == 12
    assert found[6].condition == "noise of rms 5.3, blur 0.65, correlation of channels 0.7"
    likeness = iter(found)
    for blur in grid.BLURS:
        for correlation in grid.CORRELATIONS:
            noise = noise_of(next(likeness))
            # Blurred noise correlates with that beside it by exp(-1 / (4 blur^2)), cut into pixels.
            beside = math.exp(-1 / (4 * blur**2)) if blur else 0
            assert math.sqrt(np.mean(noise**2)) == pytest.approx(5.3, abs=0.06)
            assert channels(noise) == pytest.approx(correlation, abs=0.06)
            assert neighbours(noise) == pytest.approx(beside, abs=0.08)
    assert not np.array_equal(found[0].noisy[0], found[0].noisy[1])
    assert found[0].sigma == [5.3, 5.3]


def test_film_grain_is_the_same_in_all_channels_and_blurred() -> None:
    case = grain.case([GRAY])
    noise = noise_of(case)
    np.testing.assert_array_equal(noise[..., 0], noise[..., 2])
    assert math.sqrt(np.mean(noise**2)) == pytest.approx(15, abs=0.05)
    assert neighbours(noise) == pytest.approx(math.exp(-1 / (4 * 0.7**2)), abs=0.05)
    assert (case.condition, case.sigma) == ("film grain of sigma 15, blur 0.7", [15])


def test_impulses_hit_two_percent_half_of_them_white() -> None:
    gray = np.full((300, 300, 3), 128, np.uint8)
    of_pixels, of_values = impulse.cases([gray])
    for case, together in ((of_pixels, True), (of_values, False)):
        hit = case.noisy[0] != 128
        assert hit.mean() == pytest.approx(0.02, abs=0.002)
        assert set(np.unique(case.noisy[0])) == {0, 128, 255}
        assert (case.noisy[0] == 255).mean() == pytest.approx(0.01, abs=0.0015)
        assert np.array_equal(hit[..., 0], hit[..., 1]) == together
    assert of_values.condition == "impulse noise, 2% of the values"


def test_jpeg_is_of_each_quality_and_of_half_the_resolution_in_colour() -> None:
    found = list(jpeg.cases([IMAGE]))
    assert [case.condition for case in found] == [f"JPEG of quality {q}" for q in (20, 40, 60)]
    assert found[0].sigma[0] > found[1].sigma[0] > found[2].sigma[0] > 1
    stream = io.BytesIO()
    Image.fromarray(IMAGE).save(stream, "JPEG", quality=20)
    np.testing.assert_array_equal(found[0].noisy[0], np.asarray(Image.open(stream)))


def test_the_chroma_that_jpeg_loses_to_its_resolution_is_not_in_sigma() -> None:
    gray = IMAGE[..., :1].repeat(3, -1)
    for coloured, plain in zip(jpeg.cases([IMAGE]), jpeg.cases([gray]), strict=True):
        assert coloured.sigma[0] < 0.7 * rms(coloured.noisy[0], IMAGE)
        assert plain.sigma[0] == pytest.approx(rms(plain.noisy[0], gray), rel=0.01)


@pytest.mark.parametrize("sides", [(39, 29), (1, 7)])
def test_jpeg_of_odd_sides_loses_chroma_as_of_even_ones(sides: tuple[int, int]) -> None:
    height, width = sides
    even = np.pad(IMAGE[:height, :width], ((0, 1), (0, 1), (0, 0)), "edge")
    image = even[:height, :width]
    written = Writing((0, 0), 2, {"quality": 95})
    expected = written.with_subsampled_chroma(to_floats(even))[:height, :width]
    received = written.with_subsampled_chroma(to_floats(image))
    np.testing.assert_array_equal(received, expected)
    assert rms(written.read_back(image), to_bytes(received)) < 0.5 * rms(to_bytes(received), image)


def test_plain_gray_has_strong_white_noise() -> None:
    case = flat.case(side=16, number=2)
    assert all((each == 128).all() for each in case.clean)
    np.testing.assert_array_equal(case.noisy[1], white.white(case.clean[1], 50, index=1))
    assert case.sigma == [50, 50]


def test_low_iso_is_that_of_a_typical_camera_at_iso_800() -> None:
    low = camera_simulation.SENSITIVITIES[0]
    assert low.name == "low ISO (800)"
    # Half-way in logarithms between ISO 100 and ISO 6400.
    assert low.shot == pytest.approx(math.sqrt(3e-6 * 1.2e-4))
    assert 2 * math.log(low.read) == pytest.approx(1.25 * math.log(low.shot) - 3.19)
    assert camera_simulation.of_iso(100).shot == pytest.approx(3e-6)
    assert camera_simulation.of_iso(6400).shot == pytest.approx(1.2e-4)


def test_cases_of_cameras_have_the_noise_that_was_measured() -> None:
    low, middle, high = camera.cases([GRAY])
    assert low.condition == "camera noise, low ISO (800)"
    assert low.sigma[0] < middle.sigma[0] / 2 < high.sigma[0] / 3
    np.testing.assert_array_equal(low.clean[0], camera_simulation.photograph(GRAY, None, index=0))


def write(folder: Path, name: str, image: NDArray[np.uint8]) -> None:
    Image.fromarray(image).save(folder / name)


def test_pairs_of_a_camera_are_found_by_their_names(tmp_path: Path) -> None:
    for level, scene in enumerate(("b_1", "a_2")):
        write(tmp_path, f"{scene}_mean.png", GRAY)
        write(tmp_path, f"{scene}_real.PNG", GRAY + np.uint8(1 + level))
    write(tmp_path, "other.png", IMAGE)
    case = pairs.case(photos.folder(tmp_path))
    assert case.condition == "noise of real cameras"
    assert case.sigma == [2, 1]  # in the order of their names
    np.testing.assert_array_equal(case.noisy[0], GRAY + np.uint8(2))
    np.testing.assert_array_equal(case.clean[0], GRAY)


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ({"a_real.png": GRAY, "b_real.png": GRAY, "b_mean.png": GRAY}, "received half of a$"),
        ({"a_mean.png": GRAY}, "received half of a$"),
        ({"a.png": GRAY}, "NAME_real.* and NAME_mean.*, received none"),
        ({"a_real.png": GRAY, "a_mean.png": IMAGE}, "received 80 x 96 and 30 x 40 pixels"),
    ],
)
def test_pairs_must_be_complete_and_of_one_size(
    tmp_path: Path, files: dict[str, NDArray[np.uint8]], text: str
) -> None:
    for name, image in files.items():
        write(tmp_path, name, image)
    with pytest.raises(ValueError, match=text):
        pairs.case(photos.folder(tmp_path))
