"""Sparse autoencoders: a wide sigmoid coding with a sparsity penalty."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import keras
from keras import ops

from training.autoencoders.autoencoder import Autoencoder, chain
from training.autoencoders.stacked import IMAGE


@dataclass(frozen=True)
class SparseConfig:
    """Penalty, layer widths, activations and the shape of an item.

    Args:
        penalty: "l1", on the activations, or "kl", on each unit's mean activation over the batch.
        weight: Weight of the penalty in the loss.
        target: Target of the mean activation for "kl", in (0, 1).
        hidden: Units of the hidden layers.
        coding: Units of the coding.
        shape: Of an item, without the batch.
        activation: Of the hidden layers.
        output_activation: Of the last layer: "linear", or "sigmoid" for numbers in [0, 1].
        bounds: Of the decoder's weights, None for none: the largest Euclidean norm of those from
            a unit of the coding, and the largest root mean square of those from a hidden unit.
            Without bounds, small activations and large weights lower an l1 penalty at no cost, and
            codings shrink instead of becoming sparse.
        bias: Initial bias of the coding: units start nearly off where it is negative.
    """

    penalty: Literal["l1", "kl"]
    weight: float
    target: float = 0.1
    hidden: int = 100
    coding: int = 300
    shape: tuple[int, ...] = IMAGE
    activation: str = "selu"
    output_activation: str = "sigmoid"
    bounds: tuple[float, float] | None = None
    bias: float = 0.0


@keras.saving.register_keras_serializable("autoencoders")
class KLDivergenceRegularizer(keras.regularizers.Regularizer):
    """KL divergence of each unit's mean activation over the batch from a target.

    Activations (batch, units) in [0, 1] -> a scalar: weight * sum over units of KL(target || mean)
    of two Bernoulli distributions (Ng, CS294A notes on sparse autoencoders, 2011), finite where a
    mean is 0 or 1.

    Raises:
        ValueError: The target is not between 0 and 1.
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
    """Add a regularizer's value to the loss, undivided; return the activations unchanged.

    Keras divides the value of an activity_regularizer by the batch size, which is right for a sum
    over the examples (l1), but would weaken a penalty on batch means for larger batches.
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
    """Return a sparse autoencoder: items (batch, *shape) -> codings (batch, coding) in [0, 1].

    "l1" adds weight * (sum of a coding's activations, mean over the batch) to the loss, "kl" adds
    the KLDivergenceRegularizer.

    Args:
        config: Penalty, layer widths, activations and shape.
        seed: Of the initial weights.
    """
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    penalty = (
        layers.ActivityRegularization(l1=config.weight, name="sparsity")
        if config.penalty == "l1"
        else BatchPenalty(KLDivergenceRegularizer(config.weight, config.target), name="sparsity")
    )
    bias = keras.initializers.Constant(config.bias) if config.bias else "zeros"
    numbers = math.prod(config.shape)
    inner, outer = config.bounds or (None, None)
    encoder = keras.Sequential(
        [
            keras.Input(config.shape, name="images"),
            layers.Flatten(),
            layers.Dense(config.hidden, activation=config.activation, name="hidden"),
            layers.Dense(
                config.coding, activation="sigmoid", bias_initializer=bias, name="codings"
            ),
            penalty,
        ],
        name="encoder",
    )
    decoder = keras.Sequential(
        [
            keras.Input((config.coding,), name="codings"),
            layers.Dense(
                config.hidden,
                activation=config.activation,
                kernel_constraint=_bound(inner),
                name="hidden",
            ),
            layers.Dense(
                numbers,
                activation=config.output_activation,
                kernel_constraint=_bound(outer and outer * math.sqrt(numbers)),
                name="pixels",
            ),
            layers.Reshape(config.shape),
        ],
        name="decoder",
    )
    return chain(encoder, decoder, name="sparse")


def _bound(norm: float | None) -> keras.constraints.Constraint | None:
    """Of each row of a kernel, which holds the weights from one unit."""
    return None if norm is None else keras.constraints.MaxNorm(norm, axis=1)
