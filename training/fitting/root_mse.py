"""The loss of denoisers of every noise: the root mean square error of each image."""

from typing import Any

from keras import ops

NAME = "root mse"
"""What settings call the loss."""
TINY = 1e-6
"""Keeps the gradient finite where an image is restored without any error."""


def root_mse(targets: Any, outputs: Any) -> Any:
    """Return the root mean square error of each image.

    The mean square error of all images is nearly that of those with heavy noise alone. Its
    gradient, divided by the error of each image, has all of them count.

    Args:
        targets: (batch, ...).
        outputs: Of the same shape.

    Returns:
        (batch,).
    """
    each = tuple(range(1, len(outputs.shape)))
    return ops.sqrt(ops.mean(ops.square(targets - outputs), axis=each) + TINY)
