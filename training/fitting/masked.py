"""Missing numbers in training: NaN goes in as the mean, and is left out of the loss."""

from typing import Any

import keras
import numpy as np
from keras import ops

from training.pixel_noise import Floats

NAME = "masked mse"
"""What settings call the loss."""


def filled(values: Floats) -> Floats:
    """Return scaled values with 0, the mean, in place of NaN; the same array where none is NaN."""
    missing = np.isnan(values)
    return np.where(missing, np.float32(0), values) if missing.any() else values


def masked_mse(targets: Any, outputs: Any) -> Any:
    """Return the mean squared error of the numbers that are known.

    Args:
        targets: (batch, ..., features), NaN where a number is missing.
        outputs: Of the same shape, finite.

    Returns:
        (batch, ...): the mean over the known features of each row, 0 where none is known.
    """
    known = ops.logical_not(ops.isnan(targets))
    errors = ops.where(known, targets, ops.stop_gradient(outputs)) - outputs
    count = ops.sum(ops.cast(known, outputs.dtype), axis=-1)
    return ops.sum(ops.square(errors), axis=-1) / ops.maximum(count, 1.0)


def metric() -> keras.metrics.Metric:
    """Return the mean of the loss over batches, named as histories have it."""
    return keras.metrics.MeanMetricWrapper(masked_mse, name="mse")
