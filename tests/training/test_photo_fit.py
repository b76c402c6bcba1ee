"""The training of photographs learns, and goes on after a stop as if there had been none."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from training.autoencoders.photo import Computation, PhotoConfig, build
from training.datasets.photos import Folder
from training.photo import checkpoint, fit
from training.photo.fit import CHECKPOINT
from training.photo.record import PhotoRecord
from training.photo.settings import PhotoFitSettings, RiseStayFall
from training.photo.train import Data, load, train

CONFIG = PhotoConfig((8, 8), (1, 1))
SETTINGS = PhotoFitSettings(
    steps=8, batch_size=4, patch=32, warmup=2, decay=0.5, wide=0.25, squared=0.125, every=1
)
"""The learning rate falls after 4 steps, patches are wide after 6, and errors squared after 7."""


def run(
    photographs: Folder,
    folder: Path,
    *,
    steps: int = SETTINGS.steps,
    seed: int = 1,
    again: bool = False,
    announce: Callable[[str], None] = lambda _: None,
    stop_after: int | None = None,
) -> list[str]:
    """Train for a moment; stop as by Ctrl-C when a step is announced; return what was announced."""
    announced: list[str] = []

    def listen(text: str) -> None:
        announced.append(text)
        announce(text)
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
        announce=listen,
    )
    return announced


Weights = dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]


def weights(path: Path) -> Weights:
    model = build(CONFIG, seed=0)
    model.load_weights(path)
    return {each.path: np.asarray(each) for each in model.weights}


@dataclass(frozen=True)
class Run:
    """A training that was not stopped: its folder, what it was after each step, its batches.

    losses: what each step was told, and both errors as numpy has them.
    """

    folder: Path
    after: dict[int, Path]
    shapes: list[tuple[int, ...]]
    losses: list[dict[str, float]]


@pytest.fixture(scope="module", autouse=True)
def average_of_each_step() -> Iterator[None]:
    """As a training of a few steps would otherwise end with the weights that it began with."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "AVERAGE_EVERY", 1)
        yield


pytestmark = pytest.mark.usefixtures("eager")


@pytest.fixture(scope="module")
def whole(eager: None, photographs: Folder, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A training of all steps."""
    root = tmp_path_factory.mktemp("runs")
    done = Run(root / "whole", {}, [], [])
    trained = keras.Model.train_on_batch

    def spy(model: keras.Model, inputs: Any, clean: Any) -> Any:
        done.shapes.append(inputs[0].shape)
        errors = clean - model.predict_on_batch(inputs)
        roots = np.sqrt(np.mean(errors**2, axis=(1, 2, 3)) + 1e-8)
        loss = trained(model, inputs, clean)
        done.losses.append({"absolute": abs(errors).mean(), "root": roots.mean(), "told": loss})
        return loss

    def keep(text: str) -> None:
        if text.startswith("step "):
            step = len(done.after) + 1
            done.after[step] = Path(shutil.copytree(done.folder, root / str(step)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.Model, "train_on_batch", spy)
        run(photographs, done.folder, announce=keep)
    return done


@pytest.mark.parametrize(
    "step", [3, 4, 6, 7], ids=["before the fall", "at it", "at wide patches", "at squared errors"]
)
def test_a_training_that_was_stopped_ends_with_the_same_weights(
    photographs: Folder, whole: Run, tmp_path: Path, step: int
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(whole.after[step], folder)
    with pytest.raises(FileNotFoundError, match="expected trained weights"):
        load(folder)
    assert not PhotoRecord.read(folder).ended
    announced = run(photographs, folder)
    assert f"{folder}: resuming after {step} steps" in announced
    mine, expected = (weights(each / fit.WEIGHTS) for each in (folder, whole.folder))
    for name in expected:
        np.testing.assert_allclose(mine[name], expected[name], atol=1e-6, err_msg=name)
    rows = (folder / "history.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["step", *"12345678"]


def test_patches_are_twice_as_wide_and_half_as_many_at_the_end(whole: Run) -> None:
    assert whole.shapes == [(4, 32, 32, 3)] * 6 + [(2, 64, 64, 3)] * 2


def test_errors_are_squared_at_the_end(whole: Run) -> None:
    for name, losses in (("absolute", whole.losses[:7]), ("root", whole.losses[7:])):
        expected, received = [each[name] for each in losses], [each["told"] for each in losses]
        np.testing.assert_allclose(received, expected, rtol=1e-5)


def test_nothing_changes_before_the_learning_rate_falls() -> None:
    with pytest.raises(ValueError, match=r"for wide and squared, received 0.95 and 0$"):
        PhotoFitSettings(wide=0.95, squared=0)
    with pytest.raises(ValueError, match=r"for wide and squared, received 0 and 0.95$"):
        PhotoFitSettings(wide=0, squared=0.95)


def test_a_training_that_has_ended_is_left_as_it_is(photographs: Folder, whole: Run) -> None:
    (only,) = run(photographs, whole.folder)
    assert "trained already" in only
    record = load(whole.folder)
    assert (record.training_images, record.validation_images, record.steps) == (2, 2, 8)
    assert record.epochs == 1
    assert not (whole.folder / "photos.bin").exists()


def test_another_plan_is_refused_and_replaces_the_training_when_told_to(
    photographs: Folder, whole: Run, tmp_path: Path
) -> None:
    with pytest.raises(FileExistsError, match="expected a training with seed 2, received one"):
        run(photographs, whole.folder, seed=2)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").touch()
    for again in (False, True):
        with pytest.raises(FileExistsError, match=r"thesis\.txt"):
            run(photographs, tmp_path / "run", again=again)


def test_the_number_of_steps_may_change_until_the_learning_rate_falls(
    photographs: Folder, whole: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(whole.after[2], folder)
    with pytest.raises(ValueError, match="50% are the 2 steps run already or more, received 2"):
        run(photographs, folder, steps=2)
    with pytest.raises(KeyboardInterrupt):
        run(photographs, folder, steps=10, stop_after=3)
    assert PhotoRecord.read(folder).steps == 10
    with pytest.raises(ValueError, match="--steps: expected 8, as after 8 steps"):
        run(photographs, whole.folder, steps=20)


def test_a_checkpoint_whose_writing_was_cut_off_gives_way_to_the_one_before(
    whole: Run, tmp_path: Path
) -> None:
    (old := tmp_path / f"{CHECKPOINT}.old").mkdir()
    (old / checkpoint.STEP).write_text("4")
    (tmp_path / f"{CHECKPOINT}.new").mkdir()
    assert checkpoint.steps(tmp_path / CHECKPOINT) == 4
    assert checkpoint.steps(whole.folder / CHECKPOINT) == 8
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
