"""The training of photographs learns, and goes on after a stop as if there had been none."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from training.autoencoders.photo import Computation, PhotoConfig, build
from training.datasets.photos import Folder
from training.photo import checkpoint
from training.photo.fit import CHECKPOINT, WEIGHTS
from training.photo.record import PhotoRecord
from training.photo.settings import PhotoFitSettings, RiseStayFall
from training.photo.train import Data, load, train

CONFIG = PhotoConfig((8, 8), (1, 1))
SETTINGS = PhotoFitSettings(steps=6, batch_size=4, patch=32, warmup=2, decay=0.5, every=2)


def run(
    photographs: Folder,
    folder: Path,
    *,
    steps: int = 6,
    seed: int = 1,
    again: bool = False,
    stop_after: int | None = None,
) -> list[str]:
    """Train for a moment; stop as by Ctrl-C when a step is announced; return what was announced."""
    announced: list[str] = []

    def announce(text: str) -> None:
        announced.append(text)
        if text.startswith(f"step {stop_after} "):
            raise KeyboardInterrupt

    train(
        CONFIG,
        replace(SETTINGS, steps=steps),
        Computation(),
        Data(*photographs.split(3), licence="none"),
        folder,
        seed=seed,
        command="none",
        again=again,
        announce=announce,
    )
    return announced


def weights(folder: Path) -> list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    model = build(CONFIG, seed=0)
    model.load_weights(folder / WEIGHTS)
    return list(model.get_weights())


pytestmark = pytest.mark.usefixtures("eager")


@pytest.fixture(scope="module")
def whole(eager: None, photographs: Folder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of six steps that was not stopped."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    run(photographs, folder)
    return folder


def test_a_training_that_was_stopped_ends_with_the_same_weights(
    photographs: Folder, whole: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        run(photographs, folder, stop_after=2)
    with pytest.raises(FileNotFoundError, match="expected trained weights"):
        load(folder)
    assert not PhotoRecord.read(folder).ended
    announced = run(photographs, folder)
    assert f"{folder}: resuming after 2 steps" in announced
    for mine, expected in zip(weights(folder), weights(whole), strict=True):
        np.testing.assert_allclose(mine, expected, atol=1e-6)
    rows = (folder / "history.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["step", "2", "4", "6"]


def test_a_training_that_has_ended_is_left_as_it_is(photographs: Folder, whole: Path) -> None:
    (only,) = run(photographs, whole)
    assert "trained already" in only
    record = load(whole)
    assert (record.training_images, record.validation_images, record.steps) == (2, 2, 6)
    assert record.epochs == 1
    assert not (whole / "photos.bin").exists()


def test_another_plan_is_refused_and_replaces_the_training_when_told_to(
    photographs: Folder, whole: Path, tmp_path: Path
) -> None:
    with pytest.raises(FileExistsError, match="expected a training with seed 2, received one"):
        run(photographs, whole, seed=2)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").touch()
    for again in (False, True):
        with pytest.raises(FileExistsError, match=r"thesis\.txt"):
            run(photographs, tmp_path / "run", again=again)


def test_the_number_of_steps_may_change_until_the_learning_rate_falls(
    photographs: Folder, whole: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        run(photographs, folder, stop_after=2)  # its fall begins after 3
    with pytest.raises(ValueError, match="50% are the 2 steps run already or more, received 2"):
        run(photographs, folder, steps=2)
    with pytest.raises(KeyboardInterrupt):
        run(photographs, folder, steps=8, stop_after=6)
    assert PhotoRecord.read(folder).steps == 8
    with pytest.raises(ValueError, match="--steps: expected 8, as after 6 steps"):
        run(photographs, folder, steps=20)
    with pytest.raises(ValueError, match="--steps: expected 6, as after 6 steps"):
        run(photographs, whole, steps=20)


def test_a_checkpoint_whose_writing_was_cut_off_gives_way_to_the_one_before(
    whole: Path, tmp_path: Path
) -> None:
    (old := tmp_path / f"{CHECKPOINT}.old").mkdir()
    (old / checkpoint.STEP).write_text("4")
    (tmp_path / f"{CHECKPOINT}.new").mkdir()
    assert checkpoint.steps(tmp_path / CHECKPOINT) == 4
    assert checkpoint.steps(whole / CHECKPOINT) == 6
    assert checkpoint.steps(tmp_path / "none") == 0


def test_the_learning_rate_rises_stays_and_falls_to_zero() -> None:
    rate = RiseStayFall(1.0, warmup=4, fall=10, end=20)
    received = [float(rate(step)) for step in (0, 3, 4, 9, 10, 15, 20)]
    assert received == pytest.approx([0.25, 1, 1, 1, 1, 0.5, 0])
    before = RiseStayFall(1.0, warmup=4, fall=70, end=100)
    assert [float(before(step)) for step in range(10)] == [float(rate(step)) for step in range(10)]
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(rate))
    assert float(again(15)) == pytest.approx(0.5)


def test_the_network_begins_as_the_identity_and_takes_sigma() -> None:
    model = build(CONFIG, seed=3)
    random = np.random.default_rng(0)
    images = random.random((2, 12, 20, 3), np.float32)
    sigma = np.array([-1, 30], np.float32)
    np.testing.assert_array_equal(model([images, sigma]), images)
    for each in model.weights:
        each.assign(each + 0.1 * random.standard_normal(each.shape))
    unknown, low, high = (
        np.asarray(model([images[:1], np.array([told], np.float32)])) for told in (-1, 0, 30)
    )
    others = np.asarray(model([images[:1], np.array([-5], np.float32)]))
    np.testing.assert_array_equal(unknown, others)
    assert np.abs(unknown - low).max() > 1e-4
    assert np.abs(low - high).max() > 1e-4


@pytest.mark.parametrize("config", [((8,), (1, 1)), ((), ())])
def test_a_network_has_blocks_for_each_level(
    config: tuple[tuple[int, ...], tuple[int, ...]],
) -> None:
    with pytest.raises(ValueError, match="expected a number of blocks for each level"):
        PhotoConfig(*config)
