"""Whoever watches a training sees items a second and the time left of all epochs."""

import io
import sys

import keras
import pytest

from training.fitting.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def watched(monkeypatch: pytest.MonkeyPatch, terminal: io.StringIO, *epochs: int) -> str:
    """Return what a terminal shows of these of 4 epochs of 10 items, in batches of 4."""
    monkeypatch.setattr(sys, "stderr", terminal)
    progress = Progress(10, 4)
    progress.set_model(keras.Sequential(name="whole"))
    progress.set_params({"epochs": 4})
    progress.on_train_begin()
    for epoch in epochs:
        progress.on_epoch_begin(epoch)
        for batch in range(3):
            progress.on_train_batch_end(batch)
        progress.on_epoch_end(epoch, {"val_mse": 0.125})
    progress.on_train_end()
    return terminal.getvalue()


def test_a_bar_counts_the_items_of_all_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    last = watched(monkeypatch, Terminal(), 0, 1, 2, 3).rpartition("\r")[2]
    assert last.startswith("whole: 100%")
    assert "40.0/40.0" in last
    assert "items/s, epoch=4, val_mse=0.12500" in last


def test_epochs_before_a_stop_are_done(monkeypatch: pytest.MonkeyPatch) -> None:
    last = watched(monkeypatch, Terminal(), 2).rpartition("\r")[2]
    assert last.startswith("whole:  75%")
    assert "30.0/40.0" in last


def test_nothing_is_shown_but_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert watched(monkeypatch, io.StringIO(), 0, 1) == ""
