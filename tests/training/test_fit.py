"""Training learns, stops early, goes on after a stop, and says when it cannot."""

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest

from training.datasets import fashion_mnist
from training.datasets.fashion_mnist import FashionMnist
from training.fashion.recipes import RECIPES
from training.fitting.fit import Examples, fit
from training.fitting.layerwise import fit_greedily, shallow_pairs
from training.fitting.settings import FitSettings
from training.history import read as read_history

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("eager"),
    pytest.mark.filterwarnings("ignore:Even though the:UserWarning"),  # eager, but for tf.data
]


def examples(data: FashionMnist) -> tuple[Examples, Examples]:
    return Examples(data.train, data.train), Examples(data.validation, data.validation)


@pytest.fixture(scope="module")
def few(samples: Path) -> FashionMnist:
    return fashion_mnist.load(samples, subset=96)


@pytest.fixture
def compiled(eager: None) -> Iterator[None]:
    """Compile what trains, as training does: worth it for a hundred steps and more."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(False)
    yield
    tf.config.run_functions_eagerly(True)


@pytest.mark.usefixtures("compiled")
def test_training_lowers_the_loss_and_keeps_the_best_weights(
    data: FashionMnist, tmp_path: Path
) -> None:
    model = RECIPES["stacked"].build(1).whole
    assert (
        fit(model, *examples(data), FitSettings(epochs=3, batch_size=16), tmp_path, verbose=0) == 3
    )
    rows = read_history(tmp_path / "history.csv")
    assert rows[-1]["loss"] < 0.5 * rows[0]["loss"]
    reconstructed = model.predict(data.validation, verbose=0)
    best = min(row["val_mse"] for row in rows)
    assert np.mean((reconstructed - data.validation) ** 2) == pytest.approx(best, rel=1e-4)
    assert list((tmp_path / "logs").rglob("events*"))


def stop_after_two_epochs(few: FashionMnist, settings: FitSettings, folder: Path) -> None:
    def stop(self: object, epoch: int, logs: object = None) -> None:
        if epoch == 2:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.callbacks.TerminateOnNaN, "on_epoch_end", stop, raising=False)
        with pytest.raises(KeyboardInterrupt):
            fit(RECIPES["stacked"].build(1).whole, *examples(few), settings, folder, verbose=0)


# The stop leaves a log file open, as the end of a process would close it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_training_goes_on_from_the_last_epoch_after_it_was_stopped(
    few: FashionMnist, tmp_path: Path
) -> None:
    settings = FitSettings(epochs=4, batch_size=16)
    stop_after_two_epochs(few, settings, tmp_path)
    stopped = read_history(tmp_path / "history.csv")
    assert [row["epoch"] for row in stopped] == [0, 1]

    model = RECIPES["stacked"].build(2).whole  # its own weights must not matter
    assert fit(model, *examples(few), settings, tmp_path, verbose=0) == 4
    rows = read_history(tmp_path / "history.csv")
    assert [row["epoch"] for row in rows] == [0, 1, 2, 3]
    assert rows[:2] == stopped
    assert rows[2]["loss"] < rows[1]["loss"]

    other = RECIPES["stacked"].build(3).whole
    assert fit(other, *examples(few), settings, tmp_path, verbose=0) == 4  # nothing more to run
    for mine, trained in zip(other.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, trained)


def test_training_stops_early_where_nothing_gets_better(few: FashionMnist, tmp_path: Path) -> None:
    settings = FitSettings(epochs=50, learning_rate=0.0, patience=2)
    assert fit(RECIPES["stacked"].build(1).whole, *examples(few), settings, tmp_path, verbose=0) < 6


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_epochs_before_a_stop_count_for_the_patience(few: FashionMnist, tmp_path: Path) -> None:
    settings = FitSettings(epochs=50, learning_rate=0.0, patience=3)
    whole = fit(RECIPES["stacked"].build(1).whole, *examples(few), settings, tmp_path / "whole")
    stop_after_two_epochs(few, settings, tmp_path / "parts")
    model = RECIPES["stacked"].build(1).whole
    assert fit(model, *examples(few), settings, tmp_path / "parts", verbose=0) == whole == 4


def test_a_loss_that_is_no_number_ends_the_training_with_an_error(
    few: FashionMnist, tmp_path: Path
) -> None:
    not_finite = Examples(np.full_like(few.train, np.nan), few.train)
    model = RECIPES["stacked"].build(1).whole
    folder = tmp_path / "run"
    with pytest.raises(FloatingPointError, match="expected a finite loss"):
        fit(model, not_finite, not_finite, FitSettings(epochs=1), folder, verbose=0)
    assert not folder.exists()  # or the next training would go on from it


def test_greedy_training_pairs_the_layers_from_the_outside_inwards() -> None:
    pairs = shallow_pairs(RECIPES["stacked"].build(1))
    assert [(hidden.units, output.units) for hidden, output in pairs] == [(100, 784), (30, 100)]
    with pytest.raises(ValueError, match="expected as many Dense layers"):
        shallow_pairs(RECIPES["convolutional"].build(1))


@pytest.mark.usefixtures("compiled")
def test_greedy_training_fits_one_pair_of_layers_in_each_phase(
    data: FashionMnist, tmp_path: Path
) -> None:
    autoencoder = RECIPES["stacked"].build(1)
    announced: list[str] = []
    epochs = fit_greedily(
        autoencoder,
        data.train,
        data.validation,
        FitSettings(epochs=2, batch_size=16),
        tmp_path,
        announce=announced.append,
    )
    assert epochs == 4
    assert announced == ["phase 1: 784 -> 100 -> 784", "phase 2: 100 -> 30 -> 100"]
    for phase in ("phase-1", "phase-2"):
        rows = read_history(tmp_path / phase / "history.csv")
        assert rows[-1]["val_mse"] < rows[0]["val_mse"]
    # The sandwich reconstructs, though it was never trained as a whole.
    untrained = RECIPES["stacked"].build(1).whole.predict(data.validation, verbose=0)
    sandwich = autoencoder.whole.predict(data.validation, verbose=0)
    error, before = (np.mean((each - data.validation) ** 2) for each in (sandwich, untrained))
    assert error < 0.5 * before
