"""Scaling of features: learned on the training part, contained in the exported graphs."""

from dataclasses import dataclass

import numpy as np

from training.pixel_noise import Floats


@dataclass(frozen=True)
class Scaling:
    """What each feature is scaled by: (x - mean) / scale.

    Args:
        mean: (features,), of the training part; 0 of the features of a category.
        scale: (features,), above 0: the standard deviation in the training part; 1 of a constant
            feature and of the features of a category.
        missing: Whether NaN stands for a number that is missing, which becomes the mean.
    """

    mean: Floats
    scale: Floats
    missing: bool

    @classmethod
    def learned(cls, train: Floats, numbers: list[bool], *, missing: bool) -> "Scaling":
        """Return the scaling of a training part.

        Args:
            train: (n, features), NaN where a number is missing.
            numbers: Which features are numbers; the others are those of categories.
            missing: Whether numbers may be missing.
        """
        with np.errstate(invalid="ignore"):
            mean = np.nanmean(train, axis=0, dtype=np.float64)
            scale = np.nanstd(train, axis=0, dtype=np.float64)
        # A standard deviation of rounding errors is one of a constant.
        varies = np.array(numbers) & (scale > 1e-6 * np.abs(mean)) & (scale > 0)
        return cls(
            np.where(numbers, mean, 0).astype(np.float32),
            np.where(varies, scale, 1).astype(np.float32),
            missing,
        )

    def scaled(self, values: Floats) -> Floats:
        """Return values (..., features) as the model takes them; NaN stays NaN."""
        return (values - self.mean) / self.scale
