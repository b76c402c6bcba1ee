"""How much columns vary in the training part: not at all, or less than float32 tells."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.datasets.columns import Field

COARSE = 16
"""Steps of float32 that a standard deviation has at least."""
SMALLEST = float(np.finfo(np.float32).tiny)
"""Of the standard deviations that graphs can divide by."""


def notes_on_variation(fields: Sequence[Field], scaler: Any) -> Iterator[str]:
    """Yield notes on columns of numbers that are constant, or vary by little.

    Args:
        fields: The column of each feature.
        scaler: scikit-learn's StandardScaler, fitted to the features.

    Raises:
        ValueError: All columns are constant, or one varies by less than graphs can divide by.
    """
    still = _still(scaler)
    if still.all():
        names = ", ".join(dict.fromkeys(field.name for field in fields))
        raise ValueError(
            f"columns: expected one that varies in the training part, received constant ones: "
            f"{names}"
        )
    steps = np.spacing(np.abs(scaler.mean_).astype(np.float32))
    found = zip(fields, scaler.mean_, scaler.scale_, steps, still, strict=True)
    for field, mean, scale, step, is_still in found:
        if not field.is_number:
            continue
        if is_still:
            near = f"; float32 tells numbers near it to {step:g} alone, which an offset would mend"
            yield (
                f"column {field.name} is constant in the training part: {mean:g}"
                f"{near if step >= 1 else ''}"
            )
        elif scale < SMALLEST:
            raise ValueError(
                f"column {field.name}: expected a standard deviation of {SMALLEST:.3g} at least, "
                f"received {scale:.3g}; multiply its numbers"
            )
        elif scale < COARSE * step:
            yield (
                f"column {field.name}: float32 tells numbers near {mean:.6g} to {step:g} alone, "
                f"and they vary by {scale:.3g}; subtract an offset from them"
            )


def _still(scaler: Any) -> NDArray[np.bool_]:
    """Return which features are constant, up to rounding: their scale is 1 for want of another."""
    still: NDArray[np.bool_] = (scaler.scale_ == 1) & (scaler.var_ < 0.5)
    return still
