"""Missing numbers in training: NaN goes in as the mean, and is left out of the loss."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from training.autoencoders.recurrent import PADDING
from training.pixel_noise import Floats

NAME = "masked mse"
"""What settings call the loss."""
PADDED = "mse of known steps"
"""What they call that of sequences of several lengths."""


def filled(values: Floats, *, pads: bool = False) -> Floats:
    """Return scaled values with 0, the mean, in place of NaN; the same array where none is NaN.

    Args:
        values: (n, ..., features).
        pads: Whether steps of sequences (n, steps, features) that are NaN up to the end are
            padding, and become that.
    """
    missing = np.isnan(values)
    if not missing.any():
        return values
    known = np.where(missing, np.float32(0), values)
    if pads:
        is_step = ~np.all(missing, axis=2)
        backwards = np.logical_or.accumulate(np.flip(is_step, axis=1), axis=1)
        known[~np.flip(backwards, axis=1)] = PADDING
    return known


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


def padded_mse(targets: Any, outputs: Any) -> Any:
    """Return the mean of masked_mse() over the steps of which a number is known.

    Args:
        targets: (batch, steps, features), NaN where a number is missing and after the last step.
        outputs: Of the same shape, finite.

    Returns:
        (batch,).
    """
    known = ops.any(ops.logical_not(ops.isnan(targets)), axis=-1)
    count = ops.sum(ops.cast(known, outputs.dtype), axis=-1)
    return ops.sum(masked_mse(targets, outputs), axis=-1) / ops.maximum(count, 1.0)


LOSSES: Mapping[str, Callable[[Any, Any], Any]] = {NAME: masked_mse, PADDED: padded_mse}


class ItemMse(keras.metrics.Mean):  # type: ignore[misc]  # Keras has no types
    """The mean of the items' scores: of each the mean squared error of the numbers it has.

    A loss weighs the rows of an item alike, however many of their numbers are known; a score, as
    service.inference.scores has it, weighs the numbers. Items of which nothing is known are left
    out.
    """

    def __init__(self) -> None:
        super().__init__(name="mse")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # noqa: ARG002
        """Add a batch (batch, ..., features), NaN where a number is missing."""
        known = ops.logical_not(ops.isnan(y_true))
        errors = ops.square(ops.where(known, y_true, y_pred) - y_pred)
        axes = tuple(range(1, len(y_pred.shape)))
        count = ops.sum(ops.cast(known, y_pred.dtype), axis=axes)
        score = ops.sum(errors, axis=axes) / ops.maximum(count, 1.0)
        super().update_state(score, sample_weight=ops.cast(count > 0, y_pred.dtype))
