"""Scaling of features: learned on the training part, contained in the exported graphs."""

from dataclasses import dataclass

from training.pixel_noise import Floats


@dataclass(frozen=True)
class Scaling:
    """What each feature is scaled by: (x - mean) / scale.

    Args:
        mean: (features,), of the training part; 0 of the features of a category.
        scale: (features,), above 0: the standard deviation in the training part; 1 of a constant
            feature and of the features of a category.
        missing: Whether NaN stands for a missing value: a number becomes the mean, a category none
            of its values.
    """

    mean: Floats
    scale: Floats
    missing: bool

    def scaled(self, values: Floats) -> Floats:
        """Return values (..., features) as the model takes them; NaN stays NaN."""
        return (values - self.mean) / self.scale
