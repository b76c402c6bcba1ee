"""The recipes of the models of Fashion-MNIST: what to build and how to fit it.

To list them needs no Keras: builders are imported when a model is built.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from training.fitting.recipe import Recipe
from training.fitting.settings import FitSettings
from training.pixel_noise import NOISES, Noise

if TYPE_CHECKING:
    from training.autoencoders.autoencoder import Autoencoder


def _stacked(seed: int) -> "Autoencoder":
    from training.autoencoders import stacked

    return stacked.build(stacked.StackedConfig(), seed=seed)


def _convolutional(seed: int) -> "Autoencoder":
    from training.autoencoders import convolutional

    return convolutional.build(convolutional.ConvolutionalConfig(), seed=seed)


def _recurrent(seed: int) -> "Autoencoder":
    from training.autoencoders import recurrent

    return recurrent.build(recurrent.RecurrentConfig(), seed=seed)


def _dropout(seed: int) -> "Autoencoder":
    from training.autoencoders import stacked
    from training.autoencoders.corruption import DeadPixels

    config = stacked.StackedConfig(output_activation="sigmoid")
    return stacked.build(config, seed=seed, corruption=DeadPixels(0.1, 0.7, seed))


def _gaussian(seed: int) -> "Autoencoder":
    from training.autoencoders import stacked
    from training.autoencoders.corruption import ClippedGaussianNoise

    config = stacked.StackedConfig(output_activation="sigmoid")
    return stacked.build(config, seed=seed, corruption=ClippedGaussianNoise(0.0, 0.6, seed))


def _denoising_convolutional(seed: int) -> "Autoencoder":
    from training.autoencoders import denoising_convolutional
    from training.autoencoders.corruption import every_noise

    config = denoising_convolutional.DenoisingConvolutionalConfig()
    return denoising_convolutional.build(config, seed=seed, corruption=every_noise(seed))


def _l1(seed: int) -> "Autoencoder":
    from training.autoencoders import sparse

    return sparse.build(
        sparse.SparseConfig("l1", weight=1e-3, bounds=(1.0, 0.43), bias=-3.0), seed=seed
    )


def _kl(seed: int) -> "Autoencoder":
    from training.autoencoders import sparse

    return sparse.build(sparse.SparseConfig("kl", weight=0.05, target=0.1), seed=seed)


RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        "stacked": Recipe(
            "Dense layers, trained as a whole",
            _stacked,
            FitSettings(epochs=100, learning_rate=8e-3, patience=20),
        ),
        "stacked-layerwise": Recipe(
            "The same layers, trained greedily, one shallow autoencoder at a time, then fine-tuned",
            _stacked,
            FitSettings(epochs=12, learning_rate=8e-3),
            greedy=FitSettings(epochs=20),
        ),
        "convolutional": Recipe(
            "Convolutions and pooling, then transposed convolutions",
            _convolutional,
            FitSettings(epochs=20, batch_size=64, learning_rate=3e-3),
        ),
        "recurrent": Recipe(
            "LSTM layers over the rows of an image, of any number of rows",
            _recurrent,
            FitSettings(epochs=20),
        ),
        "denoising-dropout": Recipe(
            "Dense layers, trained to restore images with dead pixels",
            _dropout,
            FitSettings(epochs=40),
            noises=(Noise("dead pixels", 0.5),),
        ),
        "denoising-gaussian": Recipe(
            "Dense layers, trained to restore images with Gaussian noise",
            _gaussian,
            FitSettings(epochs=40),
            noises=(Noise("gaussian", 0.4),),
        ),
        "denoising-convolutional": Recipe(
            "Convolutions and pooling, trained to restore images with dead pixels or Gaussian "
            "noise",
            _denoising_convolutional,
            FitSettings(
                epochs=6, batch_size=64, learning_rate=3e-3, loss="root mse", convolutions=True
            ),
            noises=NOISES,
        ),
        "sparse-l1": Recipe(
            "A coding of 300 kept sparse by an l1 penalty, beside bounded weights of the decoder",
            _l1,
            FitSettings(epochs=25, loss="binary_crossentropy"),
        ),
        "sparse-kl": Recipe(
            "A coding of 300 kept sparse by its divergence from a mean activation of 0.1",
            _kl,
            FitSettings(epochs=11, batch_size=512, learning_rate=3e-3, loss_weight=64.0),
        ),
    }
)
