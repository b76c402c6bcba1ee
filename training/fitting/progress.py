"""Progress of a fit on a terminal: items a second, and the time left if no epoch is spared."""

from typing import Any

import keras
from tqdm import tqdm


class Progress(keras.callbacks.Callback):
    """One bar over the items of all epochs, on a terminal only.

    Args:
        items: Items of an epoch.
        batch_size: Items a batch.
    """

    def __init__(self, items: int, batch_size: int) -> None:
        super().__init__()
        self._items = items
        self._batch_size = batch_size
        self._bar: Any = None

    def on_train_begin(self, logs: Any = None) -> None:  # noqa: ARG002
        self._bar = tqdm(
            total=self._items * self.params["epochs"],
            desc=self.model.name,
            unit=" items",
            unit_scale=True,
            disable=None,  # but on a terminal
        )

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
        # Epochs that were run before a stop take no time now.
        if self._bar.n < epoch * self._items:
            self._bar.initial = self._bar.n = epoch * self._items

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        done = min(self._items, (batch + 1) * self._batch_size)
        self._bar.update(done - min(self._items, batch * self._batch_size))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._bar.set_postfix(epoch=epoch + 1, **{name: f"{logs[name]:.5f}" for name in logs})

    def on_train_end(self, logs: Any = None) -> None:  # noqa: ARG002
        self._bar.close()
