"""Muon moves the kernels of convolutions as matrices, and all else as Adam does."""

import keras
import numpy as np
import pytest

from training.fitting.muon import ConvolutionMuon

RATE = 0.01


def step(shape: tuple[int, ...]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """What the first step of a rate adds to weights of a shape, for a gradient of two scales."""
    random = np.random.default_rng(0)
    gradient = random.standard_normal(shape).astype(np.float32)
    gradient[..., : shape[-1] // 2] *= 100
    variable = keras.Variable(np.zeros(shape, np.float32))
    optimizer = ConvolutionMuon(RATE)
    optimizer.build([variable])
    optimizer.apply([gradient], [variable])
    return np.asarray(keras.ops.convert_to_numpy(variable), np.float32)


def test_every_direction_of_a_kernel_moves_alike() -> None:
    moved = step((3, 3, 4, 8)).reshape(36, 8)
    sizes = np.linalg.svd(moved, compute_uv=False)
    assert sizes.max() < 2 * sizes.min()
    # As large as a step of Adam, whose elements are the rate each.
    assert np.sqrt(np.mean(moved**2)) == pytest.approx(0.2 * RATE, rel=0.2)


@pytest.mark.parametrize("shape", [(2, 2, 3, 4), (1, 1, 4, 4), (6, 4), (8,)])
def test_all_else_moves_as_with_adam(shape: tuple[int, ...]) -> None:
    np.testing.assert_allclose(
        np.abs(step(shape)), RATE * ConvolutionMuon().adam_lr_ratio, rtol=0.01
    )


def test_it_is_saved_and_loaded() -> None:
    optimizer = ConvolutionMuon(RATE, momentum=0.9)
    saved = keras.saving.serialize_keras_object(optimizer)
    again = keras.saving.deserialize_keras_object(saved)
    assert isinstance(again, ConvolutionMuon)
    assert again.get_config() == optimizer.get_config()


def test_a_kernel_is_made_orthogonal_as_keras_does_it() -> None:
    optimizer = ConvolutionMuon(RATE)
    matrix = np.random.default_rng(1).standard_normal((36, 8)).astype(np.float32)
    expected = optimizer.zeropower_via_newtonschulz5(matrix, optimizer.ns_steps)
    received = optimizer._orthogonal(matrix)
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(received), keras.ops.convert_to_numpy(expected), atol=1e-4
    )
