"""The classical denoisers restore real images, and see nothing but the corrupted ones."""

from functools import cache

import numpy as np
import pytest

from tests.training.pca import SAMPLES
from training.datasets import fashion_mnist
from training.fashion import baselines
from training.fashion.baselines import GRIDS, LINEAR, METHODS, Grid, Restore, learn, prepare, tune
from training.pixel_noise import Floats, Noise
from training.scores import mse, psnr_of_mean

DATA = fashion_mnist.load(SAMPLES)
VALIDATION = DATA.validation[:24]
DEAD, GAUSSIAN = Noise("dead pixels", 0.5), Noise("gaussian", 0.4)


@cache
def prepared(method: str, noise: Noise) -> Restore:
    return prepare(method, DATA.train, VALIDATION, noise)


@pytest.mark.slow
@pytest.mark.parametrize("noise", [DEAD, GAUSSIAN], ids=str)
@pytest.mark.parametrize("method", METHODS)
def test_every_method_beats_its_corrupted_input_on_images_it_has_not_seen(
    method: str, noise: Noise
) -> None:
    test = DATA.test[:50]
    corrupted = noise.corrupt(test, seed=0)
    restored = prepared(method, noise)(corrupted)
    assert psnr_of_mean(restored, test) > psnr_of_mean(corrupted, test) + 2
    assert restored.dtype == np.float32
    assert restored.min() >= 0
    assert restored.max() <= 1


@pytest.mark.parametrize("method", METHODS)
def test_what_is_restored_depends_on_the_corrupted_image_alone(method: str) -> None:
    black = Noise("dead pixels", 1.0).corrupt(DATA.test[:5], seed=0)
    restored = prepared(method, DEAD)(black)
    np.testing.assert_array_equal(restored, np.repeat(restored[:1], 5, axis=0))


@pytest.mark.parametrize("method", METHODS)
def test_a_method_restores_an_image_alone_as_it_does_among_others(method: str) -> None:
    corrupted = DEAD.corrupt(DATA.test[:6], seed=0)
    restore = prepared(method, DEAD)
    np.testing.assert_allclose(restore(corrupted[2:3]), restore(corrupted)[2:3], atol=1e-6)


def test_the_linear_filter_finds_a_linear_corruption() -> None:
    clean = np.random.default_rng(0).random((300, 4, 4), np.float32)
    corrupted = 0.2 + 0.5 * clean[:, ::-1]  # darker, less contrast and upside down
    restore = learn(clean[:200], corrupted[:200], clean[200:250], corrupted[200:250])
    assert mse(restore(corrupted[250:]), clean[250:]) < 1e-6


def test_the_linear_filter_of_many_images_is_that_of_its_chunks() -> None:
    clean = np.random.default_rng(0).random((5200, 3, 3), np.float32)
    corrupted = GAUSSIAN.corrupt(clean, seed=1)
    restore = learn(clean, corrupted, clean[:100], corrupted[:100])
    inputs = np.hstack([corrupted.reshape(5200, 9), np.ones((5200, 1))]).astype(np.float64)
    best = np.linalg.lstsq(inputs, clean.reshape(5200, 9), rcond=None)[0]
    np.testing.assert_allclose(restore.weights, best, atol=2e-2)


def test_tuning_takes_the_setting_that_restores_best() -> None:
    def shift(image: Floats, by: int) -> Floats:
        return np.roll(image, by, axis=1)

    corrupted = 0.5 * np.roll(VALIDATION, 3, axis=2)
    tuned = tune(Grid(shift, {"by": range(-5, 6)}), VALIDATION, corrupted)
    assert tuned.parameters == {"by": -3}
    assert tuned.gain == pytest.approx(2, abs=1e-4)
    assert tuned.offset == pytest.approx(0, abs=1e-4)
    np.testing.assert_allclose(tuned(corrupted), VALIDATION, atol=1e-5)


def test_the_straight_line_helps_a_denoiser_of_darkened_images() -> None:
    corrupted = DEAD.corrupt(VALIDATION, seed=1)
    tuned = tune(Grid(GRIDS["total variation"].denoise, {"weight": (0.3,)}), VALIDATION, corrupted)
    plain = baselines.Tuned(tuned.denoise, tuned.parameters, 1.0, 0.0)
    assert tuned.gain > 1.5
    assert (
        psnr_of_mean(tuned(corrupted), VALIDATION) > psnr_of_mean(plain(corrupted), VALIDATION) + 2
    )


def test_the_grids_try_every_combination() -> None:
    grid = Grid(np.add, {"a": (1, 2), "b": ("x", "y", "z")})
    assert len(list(grid.settings())) == 6
    assert set(METHODS) == {LINEAR, "non-local means", "total variation", "wavelets"}
