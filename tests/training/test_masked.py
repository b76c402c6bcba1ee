"""What is missing goes in as the mean, and weighs nothing in the loss."""

import keras
import numpy as np
import pytest

from training.fitting.masked import filled, masked_mse, metric

NAN = np.nan
TARGETS = np.array([[1, NAN, 3], [NAN, NAN, NAN], [0, 0, 0]], np.float32)
OUTPUTS = np.array([[2, 9, 3], [1, 2, 3], [1, 1, 1]], np.float32)


def test_the_loss_is_that_of_the_numbers_that_are_known() -> None:
    np.testing.assert_allclose(masked_mse(TARGETS, OUTPUTS), [0.5, 0, 1])


def test_without_gaps_it_is_the_mean_squared_error() -> None:
    known = np.nan_to_num(TARGETS)
    expected = keras.losses.mean_squared_error(known, OUTPUTS)
    np.testing.assert_allclose(masked_mse(known, OUTPUTS), expected, rtol=1e-6)


def test_the_metric_is_its_mean_over_batches() -> None:
    mse = metric()
    mse.update_state(TARGETS[:1], OUTPUTS[:1])
    mse.update_state(TARGETS[1:], OUTPUTS[1:])
    assert mse.name == "mse"
    assert float(mse.result()) == pytest.approx(0.5)


def test_gaps_are_filled_in_a_copy_and_only_where_there_are_some() -> None:
    assert filled(OUTPUTS) is OUTPUTS
    assert filled(TARGETS).tolist() == [[1, 0, 3], [0, 0, 0], [0, 0, 0]]
    assert np.isnan(TARGETS).sum() == 4
