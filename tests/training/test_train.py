"""A run's folder: stopped trainings resume, ended ones stay, damaged files are named."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from training.datasets import fashion_mnist
from training.datasets.fashion_mnist import FashionMnist
from training.fashion.recipes import RECIPES
from training.fitting.record import TrainingRecord
from training.fitting.train import MODEL_FILE, load, train

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("eager"),
    pytest.mark.filterwarnings("ignore:Even though the:UserWarning"),  # eager, but for tf.data
]


@pytest.fixture(scope="module")
def few(samples: Path) -> FashionMnist:
    return fashion_mnist.load(samples, subset=40)


def run(
    data: FashionMnist, folder: Path, *, seed: int = 1, epochs: int = 1, again: bool = False
) -> list[str]:
    """Train a model for a moment and return what was announced."""
    announced: list[str] = []
    train(
        RECIPES["stacked"].changed(epochs=epochs),
        data,
        folder,
        seed=seed,
        command="none",
        again=again,
        announce=announced.append,
    )
    return announced


@pytest.fixture(scope="module")
def ended(eager: None, few: FashionMnist, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training that has ended; tests use copies of it."""
    folder = tmp_path_factory.mktemp("runs") / "stacked"
    run(few, folder)
    return folder


@pytest.fixture
def folder(ended: Path, tmp_path: Path) -> Path:
    copy = shutil.copytree(ended, tmp_path / "run")
    (copy / "whole" / "trace").touch()
    return copy


def stop(folder: Path) -> None:
    """Make a training look as if it had been stopped at its very end."""
    replace(TrainingRecord.read(folder), trained_at="").write(folder)


def test_a_stopped_training_is_resumed(few: FashionMnist, folder: Path) -> None:
    stop(folder)
    with pytest.raises(FileNotFoundError, match=r"was stopped; to resume it, run: none$"):
        load(folder)
    announced = run(few, folder)
    assert "resuming the training" in announced[0]
    assert (folder / "whole" / "trace").exists()
    assert TrainingRecord.read(folder).ended


def test_an_ended_training_is_left_as_it_is_unless_again_is_given(
    few: FashionMnist, folder: Path
) -> None:
    (only,) = run(few, folder)
    assert "trained already" in only
    assert (folder / "whole" / "trace").exists()
    run(few, folder, again=True)
    assert not (folder / "whole" / "trace").exists()


@pytest.mark.parametrize(
    ("other", "told"), [({"seed": 2}, "seed"), ({"epochs": 2}, "settings")], ids=str
)
def test_a_training_of_another_plan_is_not_replaced(
    few: FashionMnist, folder: Path, other: dict[str, int], told: str
) -> None:
    before = TrainingRecord.read(folder)
    expected = rf"that is there \(none\), received one that differs in {told}; --again replaces it"
    with pytest.raises(FileExistsError, match=expected):
        run(few, folder, **other)  # type: ignore[arg-type]
    assert (folder / "whole" / "trace").exists()
    assert TrainingRecord.read(folder) == before


def test_a_training_of_another_plan_is_replaced_with_again(few: FashionMnist, folder: Path) -> None:
    run(few, folder, seed=2, epochs=2, again=True)
    assert not (folder / "whole" / "trace").exists()
    assert (TrainingRecord.read(folder).seed, TrainingRecord.read(folder).epochs) == (2, 2)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("training.json", lambda content: content[:50]),
        ("training.json", lambda content: b"[]"),
        ("training.json", lambda content: b"\xff" + content),
        ("whole/history.csv", lambda content: content[:-9]),
        ("whole/history.csv", lambda content: b"\0" * 64),
        ("whole/best.weights.h5", lambda content: content[: len(content) // 2]),
        ("whole/best.weights.h5", lambda content: b""),
    ],
)
def test_a_damaged_file_of_a_stopped_training_is_named(
    few: FashionMnist, folder: Path, name: str, damage: Callable[[bytes], bytes]
) -> None:
    stop(folder)
    path = folder / name
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=path.name):
        run(few, folder)
    assert (folder / "whole" / "trace").exists()


@pytest.mark.parametrize("length", [0, 100, -100])
def test_a_damaged_model_is_named_by_the_export(folder: Path, length: int) -> None:
    path = folder / MODEL_FILE
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ValueError, match=f"{MODEL_FILE}: expected a model of Keras"):
        load(folder)


def test_a_folder_that_holds_anything_else_is_never_touched(
    few: FashionMnist, tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    (keep := tmp_path / "run" / "thesis.txt").write_text("years of work")
    for again in (False, True):
        with pytest.raises(FileExistsError, match=r"thesis\.txt"):
            run(few, tmp_path / "run", again=again)
    assert keep.read_text() == "years of work"


def test_a_model_that_was_not_trained_cannot_be_loaded(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="python -m training train stacked"):
        load(tmp_path / "stacked")
