"""Training noise spoils images as the world does: no brightening, nothing outside [0, 1]."""

import keras
import numpy as np
import pytest

from training.autoencoders.corruption import (
    ClippedGaussianNoise,
    Corruption,
    DeadPixels,
    OneOf,
    every_noise,
)
from training.pixel_noise import Noise

IMAGES = np.random.default_rng(0).random((200, 784), np.float32)
LAYERS = [DeadPixels(0.2, 0.6, seed=1), ClippedGaussianNoise(0.1, 0.5, seed=1)]


@pytest.mark.parametrize("layer", LAYERS)
def test_noise_is_made_in_training_alone(layer: Corruption) -> None:
    np.testing.assert_array_equal(np.asarray(layer(IMAGES)), IMAGES)
    assert np.abs(np.asarray(layer(IMAGES, training=True)) - IMAGES).max() > 0.1


@pytest.mark.parametrize("layer", LAYERS)
def test_every_batch_gets_other_noise(layer: Corruption) -> None:
    first, second = (np.asarray(layer(IMAGES, training=True)) for _ in range(2))
    assert not np.array_equal(first, second)


def test_dead_pixels_are_black_and_the_others_as_they_were() -> None:
    corrupted = np.asarray(LAYERS[0](IMAGES, training=True))
    dead = corrupted == 0
    np.testing.assert_array_equal(corrupted[~dead], IMAGES[~dead])
    rates = dead.mean(axis=1)
    assert 0.1 < rates.min() < 0.3
    assert 0.5 < rates.max() < 0.7


def test_gaussian_noise_is_clipped_and_differs_in_strength() -> None:
    gray = np.full((200, 784), 0.5, np.float32)
    corrupted = np.asarray(LAYERS[1](gray, training=True))
    assert corrupted.min() == 0
    assert corrupted.max() == 1
    deviations = corrupted.std(axis=1)
    assert deviations.min() < 0.2
    assert deviations.max() > 0.3


@pytest.mark.parametrize("layer", LAYERS)
def test_the_layer_survives_serialisation(layer: Corruption) -> None:
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(again) is type(layer)
    assert (again.low, again.high, again.seed) == (layer.low, layer.high, layer.seed)


@pytest.mark.parametrize("layer", LAYERS)
def test_images_in_rows_or_in_colour_have_a_level_each(layer: Corruption) -> None:
    gray = np.full((50, 12, 12, 3), 0.5, np.float32)
    amounts = np.asarray(layer(gray, training=True)).std(axis=(1, 2, 3))
    assert amounts.max() > 1.3 * amounts.min()


def test_one_kind_of_noise_is_drawn_for_each_image() -> None:
    dark, bright = (ClippedGaussianNoise(0.2, 0.2, seed=2), DeadPixels(0.9, 0.9, seed=2))
    layer = OneOf([dark, bright], seed=1)
    np.testing.assert_array_equal(np.asarray(layer(IMAGES)), IMAGES)
    corrupted = np.asarray(layer(IMAGES, training=True))
    dead = (corrupted == 0).mean(axis=1)
    assert np.all((dead > 0.8) | (dead < 0.3))
    assert np.mean(dead > 0.8) == pytest.approx(0.5, abs=0.1)
    assert not np.array_equal(corrupted, np.asarray(layer(IMAGES, training=True)))


def test_a_third_of_the_images_gets_dead_pixels_where_every_noise_is_drawn() -> None:
    gray = np.full((600, 12, 12), 0.5, np.float32)
    corrupted = np.asarray(every_noise(1)(gray, training=True))
    whole = np.isin(corrupted, (0.0, 0.5)).all(axis=(1, 2))
    assert whole.mean() == pytest.approx(1 / 3, abs=0.06)


def test_a_layer_of_several_kinds_survives_serialisation() -> None:
    layer = every_noise(7)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert [each.get_config() for each in again.kinds] == [
        each.get_config() for each in layer.kinds
    ]
    assert again.seed == layer.seed


@pytest.mark.parametrize("noise", [Noise("dead pixels", 0.5), Noise("gaussian", 0.4)])
def test_measuring_noise_is_the_same_every_time_and_within_range(noise: Noise) -> None:
    first, again = (noise.corrupt(IMAGES, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, noise.corrupt(IMAGES, seed=4))
    assert first.dtype == np.float32
    assert 0 <= first.min() <= first.max() <= 1


def test_half_the_pixels_are_dead_at_an_amount_of_a_half() -> None:
    corrupted = Noise("dead pixels", 0.5).corrupt(IMAGES, seed=1)
    assert (corrupted == 0).mean() == pytest.approx(0.5, abs=0.01)
