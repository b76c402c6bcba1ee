"""The convolutional denoiser copies before it is trained, through its codings alone."""

import numpy as np
import pytest

from training.autoencoders.autoencoder import Autoencoder
from training.autoencoders.corruption import every_noise
from training.autoencoders.denoising_convolutional import DenoisingConvolutionalConfig, build


def built(config: DenoisingConvolutionalConfig) -> Autoencoder:
    return build(config, seed=1, corruption=every_noise(1))


@pytest.mark.parametrize(
    ("filters", "shape", "coding"),
    [
        ((8,), (6, 10), (3, 5, 4)),
        ((8, 16), (28, 28), (7, 7, 16)),
        ((12, 48), (21, 14, 3), (6, 4, 48)),
    ],
)
def test_an_untrained_model_copies(
    filters: tuple[int, ...], shape: tuple[int, ...], coding: tuple[int, ...]
) -> None:
    model = built(DenoisingConvolutionalConfig(filters, shape=shape))
    images = np.random.default_rng(0).random((2, *shape), np.float32)
    assert model.encoder.output_shape[1:] == coding
    np.testing.assert_allclose(np.asarray(model.whole(images)), images, atol=1e-6)


@pytest.mark.parametrize("filters", [(2, 3), (3,), (8, 16)])
def test_what_is_too_narrow_for_the_pixels_is_built_and_copies_less(
    filters: tuple[int, ...],
) -> None:
    model = built(DenoisingConvolutionalConfig(filters, coding=3, shape=(8, 9)))
    images = np.random.default_rng(0).random((2, 8, 9), np.float32)
    assert model.encoder.output_shape[-1] == 3
    assert np.abs(np.asarray(model.whole(images)) - images).max() > 0.1


def test_a_place_of_the_coding_depends_on_its_surroundings() -> None:
    """Of the trained model; before, a block adds nothing."""
    model = built(DenoisingConvolutionalConfig((8, 16)))
    random = np.random.default_rng(0)
    model.whole.set_weights(
        [0.1 * random.standard_normal(each.shape) for each in model.whole.get_weights()]
    )
    images = np.zeros((2, 28, 28), np.float32)
    images[1, 0, 0] = 1
    codings = np.asarray(model.encoder(images))
    places = np.abs(codings[1] - codings[0]).max(axis=-1) > 1e-6
    assert 9 <= places.sum() < 49


def test_more_levels_than_an_image_can_be_halved_are_refused() -> None:
    with pytest.raises(ValueError, match="filters: expected 1 to 3 numbers for images of 30x9"):
        DenoisingConvolutionalConfig((8, 8, 8, 8), shape=(9, 30))
