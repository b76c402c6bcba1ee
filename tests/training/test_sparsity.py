"""The penalties that keep codings sparse are what the text says, whatever Keras makes of them."""

import keras
import numpy as np
import pytest

from training.autoencoders import sparse
from training.autoencoders.sparse import KLDivergenceRegularizer, SparseConfig


def divergence(target: float, mean: float) -> float:
    return float(target * np.log(target / mean) + (1 - target) * np.log((1 - target) / (1 - mean)))


def test_the_kl_penalty_sums_the_divergences_of_the_units_mean_activations() -> None:
    activations = np.array([[0.0, 0.1], [0.4, 0.1]], np.float32)
    penalty = float(KLDivergenceRegularizer(weight=0.05, target=0.1)(activations))
    assert penalty == pytest.approx(0.05 * divergence(0.1, 0.2), rel=1e-4)


@pytest.mark.parametrize("activation", [0.0, 1.0])
def test_the_kl_penalty_and_its_gradient_are_finite_at_both_ends(activation: float) -> None:
    activations = np.full((2, 3), activation, np.float32)
    assert np.isfinite(float(KLDivergenceRegularizer(0.05, 0.1)(activations)))
    layer = keras.layers.Dense(1, kernel_initializer="zeros", bias_initializer="zeros")
    model = keras.Sequential(
        [keras.Input((3,)), sparse.BatchPenalty(KLDivergenceRegularizer(1, 0.1)), layer]
    )
    model.compile("sgd", "mse")
    assert np.isfinite(model.fit(activations, np.ones((2, 1)), verbose=0).history["loss"]).all()
    assert all(np.isfinite(weights).all() for weights in model.get_weights())


@pytest.mark.parametrize("target", [0.0, 1.0, -1.0])
def test_a_target_outside_0_and_1_is_refused(target: float) -> None:
    with pytest.raises(ValueError, match=f"between 0 and 1, received {target}"):
        KLDivergenceRegularizer(0.05, target)


def test_the_regulariser_survives_serialisation() -> None:
    config = keras.regularizers.serialize(KLDivergenceRegularizer(0.05, 0.1))
    again = keras.regularizers.deserialize(config)
    assert isinstance(again, KLDivergenceRegularizer)
    assert (again.weight, again.target) == (0.05, 0.1)


@pytest.mark.parametrize("batch", [1, 7])
@pytest.mark.parametrize("penalty", ["l1", "kl"])
def test_the_penalty_does_not_depend_on_the_size_of_the_batch(penalty: str, batch: int) -> None:
    config = SparseConfig(penalty, weight=0.5)  # type: ignore[arg-type]
    encoder = sparse.build(config, seed=1).encoder
    image = np.random.default_rng(0).random((1, 28, 28), np.float32)
    codings = np.asarray(encoder(np.repeat(image, batch, axis=0)))
    (loss,) = encoder.losses
    expected = (
        np.abs(codings[0]).sum()
        if penalty == "l1"
        else sum(divergence(0.1, float(mean)) for mean in codings.mean(axis=0))
    )
    assert float(loss) == pytest.approx(0.5 * expected, rel=1e-4)


def test_bounds_hold_for_the_weights_from_each_unit() -> None:
    config = SparseConfig("l1", 1e-3, hidden=4, coding=6, shape=(5, 5), bounds=(0.5, 0.2))
    decoder = sparse.build(config, seed=1).decoder
    for name, norm in (("hidden", 0.5), ("pixels", 0.2 * 5)):
        layer = decoder.get_layer(name)
        long = 10 * np.ones(layer.kernel.shape, np.float32)
        norms = np.linalg.norm(np.asarray(layer.kernel_constraint(long)), axis=1)
        assert norms == pytest.approx([norm] * len(long), rel=1e-4)


def test_units_start_nearly_off_where_they_are_told_to() -> None:
    images = np.zeros((1, 28, 28), np.float32)
    encoder = sparse.build(SparseConfig("l1", 1e-3, bias=-3.0), seed=1).encoder
    assert np.asarray(encoder(images)) == pytest.approx(1 / (1 + np.exp(3)), rel=1e-4)
