"""Early stopping, which counts the epochs before a stop."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np


class Patience(keras.callbacks.EarlyStopping):
    """Ends a fit after so many epochs without a lower validation MSE.

    Args:
        epochs: How many.
        before: The validation MSE of each epoch that was run before the fit was stopped.
    """

    def __init__(self, epochs: int, before: Sequence[float]) -> None:
        super().__init__("val_mse", mode="min", patience=epochs)
        self._before = before

    def on_train_begin(self, logs: Any = None) -> None:
        super().on_train_begin(logs)
        if self._before:
            best = int(np.argmin(self._before))
            self.best, self.wait = self._before[best], len(self._before) - 1 - best
