"""Sparse autoencoders: a wide sigmoid coding, most of it kept near zero by a penalty."""

from dataclasses import dataclass
from typing import Any, Literal

import keras
from keras import ops

from training.autoencoders.autoencoder import Autoencoder, chain
from training.autoencoders.stacked import IMAGE, PIXELS


@dataclass(frozen=True)
class SparseConfig:
    """Which penalty, and how strong; target: the mean activation that "kl" asks of each unit."""

    penalty: Literal["l1", "kl"]
    weight: float
    target: float = 0.1
    hidden: int = 100
    coding: int = 300


@keras.saving.register_keras_serializable("autoencoders")
class KLDivergenceRegularizer(keras.regularizers.Regularizer):
    """Penalise units whose mean activation over the batch strays from a target.

    Activations (batch, units) in [0, 1] -> a scalar, weight * sum over units of
    KL(target || mean), the divergence of two Bernoulli distributions (Ng, CS294A notes on sparse
    autoencoders, 2011). Finite where a mean is 0 or 1. Raises ValueError unless 0 < target < 1.
    """

    def __init__(self, weight: float, target: float) -> None:
        if not 0 < target < 1:
            raise ValueError(f"target: expected a number between 0 and 1, received {target}")
        self.weight = weight
        self.target = target

    def __call__(self, activations: Any) -> Any:
        mean = ops.mean(activations, axis=0)
        tiny = keras.config.epsilon()
        mean = ops.clip(mean, tiny, 1 - tiny)
        on = self.target * (ops.log(self.target) - ops.log(mean))
        off = (1 - self.target) * (ops.log(1 - self.target) - ops.log(1 - mean))
        return self.weight * ops.sum(on + off)

    def get_config(self) -> dict[str, float]:
        return {"weight": self.weight, "target": self.target}


@keras.saving.register_keras_serializable("autoencoders")
class BatchPenalty(keras.layers.Layer):
    """Add a regulariser's value for the whole batch to the loss; return the activations unchanged.

    Keras divides what a layer's activity_regularizer returns by the batch size. That is right for
    a sum over the examples (l1), and would make a penalty on batch means weaker the larger the
    batch.
    """

    def __init__(self, regularizer: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.regularizer = keras.regularizers.get(regularizer)

    def call(self, activations: Any) -> Any:
        self.add_loss(self.regularizer(activations))
        return activations

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "regularizer": keras.regularizers.serialize(self.regularizer),
        }


def build(config: SparseConfig, *, seed: int) -> Autoencoder:
    """Return a sparse autoencoder.

    Images (batch, 28, 28) in [0, 1] -> codings (batch, coding) in [0, 1]. "l1" adds weight * (sum
    of a coding's activations, mean over the batch) to the loss, "kl" the KLDivergenceRegularizer.
    """
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    penalty = (
        layers.ActivityRegularization(l1=config.weight, name="sparsity")
        if config.penalty == "l1"
        else BatchPenalty(KLDivergenceRegularizer(config.weight, config.target), name="sparsity")
    )
    encoder = keras.Sequential(
        [
            keras.Input(IMAGE, name="images"),
            layers.Flatten(),
            layers.Dense(config.hidden, activation="selu", name="hidden"),
            layers.Dense(config.coding, activation="sigmoid", name="codings"),
            penalty,
        ],
        name="encoder",
    )
    decoder = keras.Sequential(
        [
            keras.Input((config.coding,), name="codings"),
            layers.Dense(config.hidden, activation="selu", name="hidden"),
            layers.Dense(PIXELS, activation="sigmoid", name="pixels"),
            layers.Reshape(IMAGE),
        ],
        name="decoder",
    )
    return chain(encoder, decoder, name="sparse")
