"""The training of photographs learns, and resumes after a stop as if there had been none."""

import itertools
import math
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest

from training.autoencoders.photo import Computation, PhotoConfig, build
from training.datasets.photos import Folder
from training.photo import checkpoint, loop
from training.photo.checkpoint import Position
from training.photo.fit import WEIGHTS, DenoiserPlan
from training.photo.loop import CHECKPOINT
from training.photo.record import PhotoRecord
from training.photo.resuming import differing
from training.photo.settings import PhotoFitSettings
from training.photo.train import Data, load, train

CONFIG = PhotoConfig((8, 8), (1, 1))
SETTINGS = PhotoFitSettings(
    steps=8,
    pixels=4 * 32**2,
    warmup=2,
    decay=0.5,
    sizes=(32, 64),
    shares=(0.75, 0.25),
    squared=0.125,
    validate_every=1,
    save_every=1,
)
"""The learning rate falls after 4 steps, patches are wide after 6, and errors squared after 7."""


def run(
    photographs: Folder,
    folder: Path,
    *,
    settings: PhotoFitSettings = SETTINGS,
    seed: int = 1,
    again: bool = False,
    amend: bool = False,
    announce: Callable[[str], None] = lambda _: None,
    stop_after: int | None = None,
) -> list[str]:
    """Train for a moment; send SIGTERM when a step is announced; return what was announced."""
    announced: list[str] = []

    def listen(text: str) -> None:
        announced.append(text)
        announce(text)
        if text.startswith(f"step {stop_after} "):
            os.kill(os.getpid(), signal.SIGTERM)

    train(
        DenoiserPlan(CONFIG, settings, Computation()),
        Data(*photographs.split(3), licence="none"),
        folder,
        seed=seed,
        command="none",
        again=again,
        amend=amend,
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

    losses: what each step reported, and both errors as numpy has them.
    """

    folder: Path
    after: dict[int, Path]
    shapes: list[tuple[int, ...]]
    losses: list[dict[str, float]]


@pytest.fixture(scope="module", autouse=True)
def average_of_each_step() -> Iterator[None]:
    """As a training of a few steps would otherwise end with the weights that it began with."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "AVERAGE_EVERY", 1)
        yield


pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("eager")]


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
        load(folder, str(CONFIG))
    assert not PhotoRecord.read(folder).ended
    announced = run(photographs, folder)
    assert f"{folder}: resuming after {step} steps" in announced
    mine, expected = (weights(each / WEIGHTS) for each in (folder, whole.folder))
    for name in expected:
        np.testing.assert_allclose(mine[name], expected[name], atol=1e-6, err_msg=name)
    rows = (folder / "history.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["step", *"12345678"]


def test_a_signal_stops_after_the_current_step_with_a_checkpoint(
    photographs: Folder, whole: Run, tmp_path: Path
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    folder = tmp_path / "run"
    seldom = replace(SETTINGS, save_every=1000)
    with pytest.raises(KeyboardInterrupt):
        run(photographs, folder, settings=seldom, stop_after=2)
    reached = checkpoint.position(folder / CHECKPOINT).step
    assert reached in (2, 3)  # the signal may come after the step's own look for it
    run(photographs, folder, settings=seldom)
    mine, expected = (weights(each / WEIGHTS) for each in (folder, whole.folder))
    for name in expected:
        np.testing.assert_allclose(mine[name], expected[name], atol=1e-6, err_msg=name)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_damaged_history_is_named_before_anything_is_trained(
    photographs: Folder, whole: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(whole.after[3], folder)
    with (folder / "history.csv").open("a") as file:
        file.write("4,0.0")
    with pytest.raises(ValueError, match=r"history\.csv, line 5: expected numbers"):
        run(photographs, folder)
    assert checkpoint.position(folder / CHECKPOINT).step == 3


@pytest.mark.parametrize(
    "name", [checkpoint.POSITION, checkpoint.MODEL, checkpoint.AVERAGE, checkpoint.OPTIMIZER]
)
def test_a_damaged_checkpoint_is_named(
    photographs: Folder, whole: Run, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(whole.after[3], folder)
    damaged = folder / CHECKPOINT / name
    damaged.write_bytes(damaged.read_bytes()[: damaged.stat().st_size // 2])
    with pytest.raises(ValueError, match=rf"{name}: expected .*; train anew with --again"):
        run(photographs, folder)
    damaged.unlink()
    with pytest.raises(FileNotFoundError, match=f"{name}: expected .*, received no file"):
        run(photographs, folder)


@pytest.mark.parametrize(
    ("every", "fault"),
    [(1, "expected finite weights"), (3, "expected a finite loss, received nan")],
)
def test_a_training_that_diverges_ends_without_a_checkpoint_of_it(
    photographs: Folder, tmp_path: Path, every: int, fault: str
) -> None:
    folder = tmp_path / "run"
    diverging = replace(SETTINGS, learning_rate=math.nan, save_every=every, validate_every=every)
    with pytest.raises(FloatingPointError, match=fault):
        run(photographs, folder, settings=diverging)
    assert checkpoint.position(folder / CHECKPOINT) == Position()
    assert not (folder / WEIGHTS).exists()


def test_a_loss_of_several_times_the_usual_one_is_no_checkpoint() -> None:
    soundness = loop._Soundness(build(CONFIG, seed=1))
    for mean in (0.04, 0.02, 0.05):
        soundness.losses += [mean] * loop.FEWEST
        soundness.check()
    soundness.losses += [0.2] * (loop.FEWEST - 1)  # too few to tell
    soundness.check()
    soundness.losses += [0.07] * loop.FEWEST
    with pytest.raises(FloatingPointError, match=r"a loss of about 0\.02 or less, received 0\.07"):
        soundness.check()


def test_an_exploding_gradient_is_clipped() -> None:
    unused: Any = None
    settings = replace(SETTINGS, clip=0.01)
    model = DenoiserPlan(CONFIG, settings, Computation()).task(unused, 0, unused, 1).build()
    model.optimizer.build(model.trainable_variables)
    model.optimizer.apply([keras.ops.full(v.shape, 1e6) for v in model.trainable_variables])
    second = [v for v in model.optimizer.variables if v.path.endswith("_velocity")]
    assert second
    assert all(np.asarray(v).max() < 1e-6 for v in second)


def test_patches_grow_and_batches_keep_their_pixels(whole: Run) -> None:
    assert whole.shapes == [(4, 32, 32, 3)] * 6 + [(1, 64, 64, 3)] * 2
    assert checkpoint.position(whole.folder / CHECKPOINT).pixels == 8 * SETTINGS.pixels


def test_errors_are_squared_at_the_end(whole: Run) -> None:
    for name, losses in (("absolute", whole.losses[:7]), ("root", whole.losses[7:])):
        expected, received = [each[name] for each in losses], [each["told"] for each in losses]
        np.testing.assert_allclose(received, expected, rtol=1e-5)


def test_sizes_have_shares() -> None:
    with pytest.raises(ValueError, match=r"expected a share for each of the sizes \(64, 128\)"):
        PhotoFitSettings(sizes=(64, 128), shares=(1.0,))
    with pytest.raises(ValueError, match="1 in all"):
        PhotoFitSettings(sizes=(64, 128), shares=(0.5, 0.6))


def test_a_training_that_has_ended_is_left_as_it_is(photographs: Folder, whole: Run) -> None:
    (only,) = run(photographs, whole.folder)
    assert "trained already" in only
    record = load(whole.folder, str(CONFIG))
    assert (record.training_images, record.validation_images, record.steps) == (2, 2, 8)
    assert record.epochs == 1
    assert not (whole.folder / "photos.bin").exists()


def test_another_plan_is_refused_unless_it_may_replace_the_training(
    photographs: Folder, whole: Run, tmp_path: Path
) -> None:
    with pytest.raises(FileExistsError, match="expected a training with seed 2, received one"):
        run(photographs, whole.folder, seed=2)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").touch()
    for again in (False, True):
        with pytest.raises(FileExistsError, match=r"thesis\.txt"):
            run(photographs, tmp_path / "run", again=again)


def test_settings_may_be_amended_on_the_way_and_the_record_names_both(
    photographs: Folder, whole: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(whole.after[2], folder)
    faster = replace(SETTINGS, learning_rate=0.003)
    with pytest.raises(FileExistsError, match=r"up to 0\.003, .* up to 0\.0015, .*--amend"):
        run(photographs, folder, settings=faster)
    with pytest.raises(FileExistsError, match="expected a training with seed 2, received") as error:
        run(photographs, folder, settings=faster, seed=2, amend=True)
    assert "--amend" not in str(error.value)  # which would not help
    assert f"{folder}: resuming after 2 steps" in run(
        photographs, folder, settings=faster, amend=True
    )
    record = load(folder, str(CONFIG))
    assert "a learning rate up to 0.003" in record.settings
    (before,) = record.before
    assert before.startswith("until step 2 (batches of ")
    assert "a learning rate up to 0.0015" in before
    assert "noise:" not in before  # which is the same
    with pytest.raises(FileExistsError, match=r"received one with .* up to 0\.003, "):
        run(photographs, folder, amend=True)  # as it has ended


def test_a_record_says_what_was_added_to_the_settings() -> None:
    before, after = (
        "patches of 128 pixels; from random weights",
        "patches of 128 pixels; noise: none",
    )
    assert differing(before, after) == "from random weights"
    assert differing("patches of 128 pixels", after) == "all but: noise: none"


def test_the_length_may_change_until_the_learning_rate_falls(
    photographs: Folder, whole: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(whole.after[2], folder)
    with pytest.raises(ValueError, match="begun to fall at 100% of 2 steps, received 2 steps"):
        run(photographs, folder, settings=replace(SETTINGS, steps=2))
    with pytest.raises(KeyboardInterrupt):
        run(photographs, folder, settings=replace(SETTINGS, steps=12), stop_after=3)
    assert PhotoRecord.read(folder).steps == 12
    with pytest.raises(ValueError, match="expected 8 steps, as the learning rate has begun"):
        run(photographs, whole.folder, settings=replace(SETTINGS, steps=20))


def test_a_training_for_a_time_ends_with_it_and_resumes_with_what_is_left(
    photographs: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = itertools.count()
    monkeypatch.setattr(loop, "time", SimpleNamespace(monotonic=lambda: float(next(ticks))))
    settings, folder = replace(SETTINGS, minutes=0.5), tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        run(photographs, folder, settings=settings, stop_after=2)
    first = checkpoint.position(folder / CHECKPOINT)
    assert 0 < first.seconds < 30
    run(photographs, folder, settings=settings)
    end = checkpoint.position(folder / CHECKPOINT)
    assert end.step > first.step
    assert 30 <= end.seconds < 35
    assert load(folder, str(CONFIG)).minutes == 0.5


def test_a_checkpoint_whose_writing_was_cut_off_gives_way_to_the_one_before(
    whole: Run, tmp_path: Path
) -> None:
    (old := tmp_path / f"{CHECKPOINT}.old").mkdir()
    (old / checkpoint.POSITION).write_text('{"step": 4, "pixels": 9, "seconds": 2.5}')
    (tmp_path / f"{CHECKPOINT}.new").mkdir()
    assert checkpoint.position(tmp_path / CHECKPOINT) == Position(4, 9, 2.5)
    assert checkpoint.position(whole.folder / CHECKPOINT).step == 8
    assert checkpoint.position(tmp_path / "none") == Position()


def test_the_learning_rate_rises_stays_and_falls_to_zero() -> None:
    settings = PhotoFitSettings(
        steps=20, learning_rate=1.0, warmup=4, decay=0.5, sizes=(64,), shares=(1.0,)
    )
    received = [settings.rate(step, step / 20) for step in (0, 3, 4, 9, 10, 15, 20)]
    assert received == pytest.approx([0.25, 1, 1, 1, 1, 0.5, 0])


def test_the_learning_rate_is_lower_as_patches_are_wider() -> None:
    settings = PhotoFitSettings(
        steps=20,
        learning_rate=1.0,
        warmup=1,
        decay=0.5,
        sizes=(64, 128, 256),
        shares=(0.2, 0.4, 0.4),
    )
    received = [settings.rate(step, step / 20) for step in (0, 3, 4, 9, 10, 11, 13, 16, 20)]
    assert received == pytest.approx([1, 1, 1 / 2, 1 / 2, 1 / 2, 0.45, 0.175, 0.1, 0])


def test_progress_is_of_steps_or_of_minutes() -> None:
    assert PhotoFitSettings(steps=20).progress(5, 3600.0) == 0.25
    assert PhotoFitSettings(steps=20, minutes=120).progress(5, 3600.0) == 0.5
    assert PhotoFitSettings(steps=20).progress(30, 0.0) == 1


@pytest.mark.parametrize("overlap", [False, True])
def test_the_network_begins_as_the_identity_and_depends_on_what_is_known(overlap: bool) -> None:
    model = build(replace(CONFIG, overlap=overlap), seed=3)
    random = np.random.default_rng(0)
    images = random.random((1, 12, 20, 3), np.float32)
    unknown = np.full((1, 5), -1, np.float32)
    described = np.array([[0.2, 0.6, 0.1, 0, -0.5]], np.float32)

    def restored(sigma: float, profile: Any) -> Any:
        return np.asarray(model([images, np.array([sigma], np.float32), profile]))

    np.testing.assert_array_equal(restored(30, described), images)
    for each in model.weights:
        each.assign(each + 0.1 * random.standard_normal(each.shape))
    blind = restored(-1, unknown)
    assert blind.shape == images.shape
    np.testing.assert_array_equal(blind, restored(-5, unknown))
    np.testing.assert_array_equal(restored(30, unknown), restored(30, -2 * np.abs(described)))
    others = [blind, restored(0, unknown), restored(30, unknown), restored(30, described)]
    for index, one in enumerate(others):
        for other in others[:index]:
            assert np.abs(one - other).max() > 1e-4


@pytest.mark.parametrize("config", [((8,), (1, 1)), ((), ())])
def test_a_network_has_blocks_for_each_level(
    config: tuple[tuple[int, ...], tuple[int, ...]],
) -> None:
    with pytest.raises(ValueError, match="expected a number of blocks for each level"):
        PhotoConfig(*config)
