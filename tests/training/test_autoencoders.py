"""Every family is built as it is described, and survives being saved."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from training.fashion.recipes import RECIPES


def residual_block(filters: int) -> list[Any]:
    """The layers that add to what comes in."""
    return [("Conv2D", filters, "relu"), ("Conv2D", filters, "linear"), ("Add", None, None)]


# Layers with weights or with an effect of their own, as (class, width, activation).
STACKED_ENCODER = [("Dense", 100, "selu"), ("Dense", 30, "selu")]
ARCHITECTURES: dict[str, tuple[list[Any], list[Any]]] = {
    "stacked": (STACKED_ENCODER, [("Dense", 100, "selu"), ("Dense", 784, "linear")]),
    "stacked-layerwise": (STACKED_ENCODER, [("Dense", 100, "selu"), ("Dense", 784, "linear")]),
    "convolutional": (
        [
            ("Conv2D", 16, "selu"),
            ("MaxPooling2D", None, None),
            ("Conv2D", 32, "selu"),
            ("MaxPooling2D", None, None),
            ("Conv2D", 64, "selu"),
            ("MaxPooling2D", None, None),
        ],
        [
            ("Conv2DTranspose", 32, "selu"),
            ("Conv2DTranspose", 16, "selu"),
            ("Conv2DTranspose", 1, "sigmoid"),
        ],
    ),
    "recurrent": (
        [("LSTM", 100, "tanh"), ("LSTM", 30, "tanh")],
        [("RepeatAlong", None, None), ("LSTM", 100, "tanh"), ("Dense", 28, "sigmoid")],
    ),
    "denoising-dropout": (
        [("DeadPixels", None, None), *STACKED_ENCODER],
        [("Dense", 100, "selu"), ("Dense", 784, "sigmoid")],
    ),
    "denoising-gaussian": (
        [("ClippedGaussianNoise", None, None), *STACKED_ENCODER],
        [("Dense", 100, "selu"), ("Dense", 784, "sigmoid")],
    ),
    "denoising-convolutional": (
        [
            ("OneOf", None, None),
            ("Conv2D", 48, "linear"),
            *residual_block(48),
            ("Conv2D", 96, "linear"),
            *residual_block(96),
            ("Conv2D", 16, "linear"),
        ],
        [
            ("Conv2D", 96, "linear"),
            *residual_block(96),
            ("Conv2DTranspose", 48, "linear"),
            *residual_block(48),
            ("Conv2DTranspose", 1, "linear"),
        ],
    ),
    "sparse-l1": (
        [
            ("Dense", 100, "selu"),
            ("Dense", 300, "sigmoid"),
            ("ActivityRegularization", None, None),
        ],
        [("Dense", 100, "selu"), ("Dense", 784, "sigmoid")],
    ),
    "sparse-kl": (
        [("Dense", 100, "selu"), ("Dense", 300, "sigmoid"), ("BatchPenalty", None, None)],
        [("Dense", 100, "selu"), ("Dense", 784, "sigmoid")],
    ),
}
CODINGS = {
    "convolutional": (3, 3, 64),
    "denoising-convolutional": (7, 7, 16),
    "sparse-l1": (300,),
    "sparse-kl": (300,),
}


def described(model: keras.Model) -> list[tuple[str, int | None, str | None]]:
    plumbing = {"InputLayer", "Flatten", "Reshape"}
    return [
        (
            type(layer).__name__,
            getattr(layer, "units", None) or getattr(layer, "filters", None),
            getattr(getattr(layer, "activation", None), "__name__", None),
        )
        for layer in model.layers
        if type(layer).__name__ not in plumbing
    ]


def test_every_recipe_has_its_architecture_here() -> None:
    assert set(ARCHITECTURES) == set(RECIPES)


@pytest.mark.parametrize("name", RECIPES)
def test_the_layers_are_those_of_the_book(name: str) -> None:
    autoencoder = RECIPES[name].build(1)
    encoder, decoder = ARCHITECTURES[name]
    assert described(autoencoder.encoder) == encoder
    assert described(autoencoder.decoder) == decoder
    assert autoencoder.encoder.output_shape[1:] == CODINGS.get(name, (30,))


def test_convolutions_halve_and_double_as_in_the_book() -> None:
    autoencoder = RECIPES["convolutional"].build(1)
    convolutions = [layer for layer in autoencoder.encoder.layers if "Conv" in type(layer).__name__]
    pools = [layer for layer in autoencoder.encoder.layers if "Pool" in type(layer).__name__]
    back = [layer for layer in autoencoder.decoder.layers if "Conv" in type(layer).__name__]
    assert [(each.kernel_size, each.strides, each.padding) for each in convolutions] == [
        ((3, 3), (1, 1), "same")
    ] * 3
    assert [each.pool_size for each in pools] == [(2, 2)] * 3
    assert [(each.kernel_size, each.strides, each.padding) for each in back] == [
        ((3, 3), (2, 2), "valid"),
        ((3, 3), (2, 2), "same"),
        ((3, 3), (2, 2), "same"),
    ]


def test_penalties_and_noise_are_as_strong_as_they_are_described() -> None:
    l1 = RECIPES["sparse-l1"].build(1)
    assert l1.encoder.get_layer("sparsity").l1 == pytest.approx(1e-3)
    assert l1.decoder.get_layer("hidden").kernel_constraint.max_value == 1
    assert l1.decoder.get_layer("pixels").kernel_constraint.max_value == pytest.approx(0.43 * 28)
    kl = RECIPES["sparse-kl"].build(1).encoder.get_layer("sparsity").regularizer
    assert (kl.weight, kl.target) == (0.05, 0.1)
    for name, low, high in (("denoising-dropout", 0.1, 0.7), ("denoising-gaussian", 0.0, 0.6)):
        (noise,) = [
            layer for layer in RECIPES[name].build(1).encoder.layers if hasattr(layer, "corrupt")
        ]
        assert (noise.low, noise.high) == (low, high)
        (trained_for,) = RECIPES[name].noises
        assert low < trained_for.amount < high


@pytest.mark.parametrize("name", RECIPES)
def test_a_seed_decides_the_weights(name: str) -> None:
    def weights(seed: int) -> Any:
        return RECIPES[name].build(seed).whole.get_weights()

    first, again, other = weights(1), weights(1), weights(2)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_a_model_read_back_from_its_file_is_the_same(name: str, tmp_path: Path) -> None:
    autoencoder = RECIPES[name].build(1)
    autoencoder.whole.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    images = np.random.default_rng(0).random((2, 28, 28), np.float32)
    np.testing.assert_array_equal(
        autoencoder.whole.predict(images, verbose=0), again.predict(images, verbose=0)
    )
    assert described(again.get_layer("encoder")) == described(autoencoder.encoder)


@pytest.mark.parametrize("name", RECIPES)
def test_encoder_and_decoder_are_the_halves_of_the_whole(name: str) -> None:
    autoencoder = RECIPES[name].build(1)
    images = np.random.default_rng(0).random((2, 28, 28), np.float32)
    codings = autoencoder.encoder.predict(images, verbose=0)
    decoded = (
        autoencoder.decoder.predict([codings, images[:, :, :1]], verbose=0)
        if name == "recurrent"
        else autoencoder.decoder.predict(codings, verbose=0)
    )
    whole = autoencoder.whole.predict(images, verbose=0)
    np.testing.assert_allclose(decoded, whole, atol=1e-6)


def test_a_recurrent_decoder_gives_back_as_many_rows_as_it_is_asked_for() -> None:
    autoencoder = RECIPES["recurrent"].build(1)
    codings = autoencoder.encoder.predict(np.ones((2, 40, 28), np.float32), verbose=0)
    for steps in (40, 3):
        length = np.zeros((2, steps, 1), np.float32)
        assert autoencoder.decoder.predict([codings, length], verbose=0).shape == (2, steps, 28)
