"""A case of anomaly detection: what is normal to learn from, what is to be told apart."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.fitting.recipe import Recipe
from training.pixel_noise import Floats


@dataclass(frozen=True)
class Normal:
    """Normal items, as training takes them.

    Args:
        train: Items to train on.
        validation: Items to choose the best epoch by.
    """

    train: Floats
    validation: Floats


@dataclass(frozen=True)
class Case:
    """Normal items, and test items some of which are anomalies.

    Args:
        group: What the items are of, such as a data set.
        condition: What the anomalies are.
        seed: Of everything that is drawn.
        normal: Items without anomalies.
        test: Items (n, ...).
        anomalous: Whether each of them is an anomaly, (n,).
        recipes: The autoencoders to try, by name.
    """

    group: str
    condition: str
    seed: int
    normal: Normal
    test: Floats
    anomalous: NDArray[np.bool_]
    recipes: Mapping[str, Recipe]

    @property
    def name(self) -> str:
        """What tells the case from others, as part of the name of a file."""
        words = f"{self.group} {self.condition} seed {self.seed}".lower()
        return "-".join("".join(c if c.isalnum() else " " for c in words).split())
