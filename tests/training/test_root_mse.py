"""Each image counts by the root of its mean square error."""

import numpy as np
import pytest

from training.fitting.root_mse import root_mse


def test_it_is_the_root_mean_square_error_of_each_image() -> None:
    targets = np.zeros((2, 3, 3), np.float32)
    outputs = np.stack([np.full((3, 3), 0.1), np.full((3, 3), -0.4)]).astype(np.float32)
    assert np.asarray(root_mse(targets, outputs)) == pytest.approx([0.1, 0.4], abs=1e-4)


def test_an_image_without_any_error_has_a_finite_gradient() -> None:
    import tensorflow as tf

    outputs = tf.Variable(np.zeros((1, 3, 3), np.float32))
    with tf.GradientTape() as tape:
        loss = root_mse(np.zeros((1, 3, 3), np.float32), outputs)
    assert np.isfinite(tape.gradient(loss, outputs).numpy()).all()
