"""What is missing goes in as the mean, and weighs nothing in the loss."""

import keras
import numpy as np
import pytest

from service.inference.scores import scores
from training.autoencoders.recurrent import PADDING
from training.fitting.masked import ItemMse, filled, masked_mse, padded_mse

NAN = np.nan
TARGETS = np.array([[1, NAN, 3], [NAN, NAN, NAN], [0, 0, 0]], np.float32)
OUTPUTS = np.array([[2, 9, 3], [1, 2, 3], [1, 1, 1]], np.float32)


def test_the_loss_is_that_of_the_numbers_that_are_known() -> None:
    np.testing.assert_allclose(masked_mse(TARGETS, OUTPUTS), [0.5, 0, 1])


def test_without_gaps_it_is_the_mean_squared_error() -> None:
    known = np.nan_to_num(TARGETS)
    expected = keras.losses.mean_squared_error(known, OUTPUTS)
    np.testing.assert_allclose(masked_mse(known, OUTPUTS), expected, rtol=1e-6)


@pytest.mark.parametrize("shape", [(8, 3), (8, 5, 3)])
def test_the_metric_is_the_mean_score_of_the_items_in_whatever_batches(
    shape: tuple[int, ...],
) -> None:
    random = np.random.default_rng(0)
    targets, outputs = random.normal(size=(2, *shape)).astype(np.float32)
    targets[random.random(shape) < 0.4] = NAN
    targets[2] = NAN  # an item of which nothing is known
    mse = ItemMse()
    for part in (slice(1), slice(1, 3), slice(3, None)):
        mse.update_state(targets[part], outputs[part])
    assert mse.name == "mse"
    expected = np.nanmean(scores(targets, outputs, None))
    assert float(mse.result()) == pytest.approx(expected, rel=1e-5)
    assert float(mse.result()) != pytest.approx(np.mean(masked_mse(targets, outputs)), rel=1e-3)


def test_gaps_are_filled_in_a_copy_and_only_where_there_are_some() -> None:
    assert filled(OUTPUTS) is OUTPUTS
    assert filled(TARGETS).tolist() == [[1, 0, 3], [0, 0, 0], [0, 0, 0]]
    assert np.isnan(TARGETS).sum() == 4


SEQUENCES = np.array(
    [[[1, 2], [NAN, 4], [NAN, NAN]], [[NAN, NAN], [1, 1], [2, 2]], [[5, 5], [NAN, NAN], [6, 6]]],
    np.float32,
)


def test_steps_after_the_end_are_padding_and_gaps_before_it_are_not() -> None:
    assert filled(SEQUENCES, pads=True).tolist() == [
        [[1, 2], [0, 4], [PADDING, PADDING]],
        [[0, 0], [1, 1], [2, 2]],
        [[5, 5], [0, 0], [6, 6]],
    ]


def test_padding_weighs_nothing_in_the_loss_however_much_there_is() -> None:
    outputs = np.zeros_like(SEQUENCES)
    expected = [((1 + 4) / 2 + 16) / 2, (1 + 4) / 2, (25 + 36) / 2]
    np.testing.assert_allclose(padded_mse(SEQUENCES, outputs), expected, rtol=1e-6)
    longer = np.pad(SEQUENCES, ((0, 0), (0, 4), (0, 0)), constant_values=NAN)
    np.testing.assert_allclose(padded_mse(longer, np.zeros_like(longer)), expected, rtol=1e-6)
