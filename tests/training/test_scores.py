"""MSE, PSNR and SSIM of images whose figures are known."""

import numpy as np
import pytest

from training.scores import mse, psnr_of_mean, ssim

GREY = np.full((3, 16, 16), 0.5, np.float32)


def test_an_error_of_a_tenth_everywhere_is_20_db() -> None:
    assert mse(GREY + np.float32(0.1), GREY) == pytest.approx(0.01, rel=1e-5)
    assert psnr_of_mean(GREY + np.float32(0.1), GREY) == pytest.approx(20, abs=1e-4)


def test_psnr_is_of_the_mean_mse_and_not_a_mean_of_psnrs() -> None:
    received = GREY.copy()
    received[0] += np.float32(0.3)
    assert psnr_of_mean(received, GREY) == pytest.approx(-10 * np.log10(0.09 / 3), abs=1e-4)


def test_what_is_restored_without_any_error_has_a_finite_psnr() -> None:
    images = np.zeros((2, 4, 4), np.float32)
    assert psnr_of_mean(images, images) == 100
    assert psnr_of_mean(images + np.float32(1e-9), images) == 100


def test_ssim_of_flat_images_is_what_its_formula_says() -> None:
    # Without variance, only the comparison of the means is left (Wang et al., 2004, equation 6).
    constant = 0.01**2
    expected = (2 * 0.5 * 0.8 + constant) / (0.5**2 + 0.8**2 + constant)
    assert ssim(np.full_like(GREY, 0.8), GREY) == pytest.approx(expected, abs=1e-4)


def test_ssim_looks_at_each_image_by_itself() -> None:
    images = np.random.default_rng(0).random((4, 16, 16), np.float32)
    assert ssim(images, images) == pytest.approx(1)
    assert ssim(images[::-1], images) < 0.5
