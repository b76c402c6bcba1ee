"""The local spectra that the estimator of noise looks at."""

import numpy as np
import pytest
from scipy import ndimage

from training.photo.estimate.spectrum import (
    FEATURES,
    FLOOR,
    FREQUENCIES,
    SIDE,
    LocalSpectrum,
    transform,
)
from training.photo.noise.types import Floats

LUMA = slice(FREQUENCIES // 3)
COLOUR = slice(FREQUENCIES // 3, None)


def spectrum(image: Floats) -> Floats:
    """Return the features (places, 183) of an image."""
    found: Floats = np.asarray(LocalSpectrum()(image[None]))[0]
    return found.reshape(-1, FEATURES)


def test_the_transform_is_orthonormal_and_blind_to_the_mean() -> None:
    matrix = transform().reshape(-1, FREQUENCIES).astype(float)
    np.testing.assert_allclose(matrix.T @ matrix, np.eye(FREQUENCIES), atol=1e-6)
    np.testing.assert_allclose(matrix.reshape(SIDE**2, 3, -1).sum(0), 0, atol=1e-6)


@pytest.mark.parametrize("sigma", [2.0, 25.0])
def test_white_noise_is_as_strong_in_all_frequencies(sigma: float) -> None:
    random = np.random.default_rng(0)
    noise = random.normal(0, sigma / 255, (256, 256, 3)).astype(np.float32)
    power = np.exp(2 * (spectrum(noise + np.float32(0.5))[:, :FREQUENCIES] - 4)) - FLOOR**2
    np.testing.assert_allclose(np.sqrt(power.mean(0)) * 255, sigma, rtol=0.05)


def test_the_noise_of_all_channels_together_has_no_colour_and_that_of_one_has() -> None:
    random = np.random.default_rng(0)
    gray = random.normal(0.5, 0.05, (64, 64, 1)).repeat(3, -1).astype(np.float32)
    lowest = np.log(FLOOR) + 4
    means = spectrum(gray)[:, :FREQUENCIES].mean(0)
    np.testing.assert_allclose(means[COLOUR], lowest, atol=0.01)
    assert (means[LUMA] > lowest + 3).all()
    red = gray * np.array([1, 0, 0], np.float32)
    assert (spectrum(red)[:, :FREQUENCIES].mean(0) > lowest + 2).all()


def test_few_pixels_that_stand_out_part_the_two_strengths() -> None:
    """As impulses do, which are no part of the noise level."""
    random = np.random.default_rng(0)
    noise = random.normal(0.5, 0.02, (256, 256, 3)).astype(np.float32)
    hit = np.where(random.random((256, 256, 1)) < 0.01, np.float32(0), noise)
    parted = [
        (each[:, :FREQUENCIES] - each[:, FREQUENCIES : 2 * FREQUENCIES])[:, LUMA].mean()
        for each in (spectrum(noise), spectrum(hit))
    ]
    assert parted[1] > 1.5 * parted[0]


def test_blotches_of_colour_are_in_the_low_frequencies() -> None:
    random = np.random.default_rng(0)
    blotches = random.normal(0.5, 0.05, (24, 32, 3)).astype(np.float32)
    blotches = ndimage.zoom(blotches, (8, 8, 1), order=3)
    levels = spectrum(blotches.astype(np.float32)).mean(0)
    fine, half, quarter = (
        levels[start * FREQUENCIES : (start + 1) * FREQUENCIES][COLOUR].mean()
        - np.log(FLOOR / scale)
        for start, scale in ((0, 1), (2, 2), (3, 4))
    )
    assert fine + 0.5 < half
    assert half + 0.5 < quarter


@pytest.mark.parametrize("sides", [(16, 16), (24, 40), (128, 128)])
def test_all_scales_have_the_same_places(sides: tuple[int, int]) -> None:
    flat = np.full((*sides, 3), 0.5, np.float32)
    found = spectrum(flat)
    assert len(found) == sides[0] * sides[1] // 64
    lows = found[:, 2 * FREQUENCIES : -3]
    np.testing.assert_allclose(lows[:, :FREQUENCIES], np.log(FLOOR / 2) + 4, atol=1e-3)
    np.testing.assert_allclose(lows[:, FREQUENCIES:], np.log(FLOOR / 4) + 4, atol=1e-3)


def test_a_place_has_its_mean_colour() -> None:
    image = np.zeros((16, 8, 3), np.float32)
    image[:8] = (1, 0.5, 0.25)
    np.testing.assert_allclose(spectrum(image)[:, -3:], [[0.5, 0, -0.25], [-0.5, -0.5, -0.5]])
