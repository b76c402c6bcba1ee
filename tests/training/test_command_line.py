"""python -m training, from training to figures, on a handful of images."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from service.inference.loader import load
from training import card
from training.cli import main
from training.datasets.fashion_mnist import FashionMnist
from training.fashion.recipes import RECIPES
from training.fashion.record import FashionRecord
from training.fashion.train import load as load_run
from training.fashion.train import train

NAME = "stacked-layerwise"


@pytest.fixture(scope="module")
def workplace(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs/ and models/ of one model that was trained and exported."""
    folder = tmp_path_factory.mktemp("workplace")
    quick = ["--epochs", "1", "--subset", "100", "--data", str(samples)]
    runs = ["--runs", str(folder / "runs")]
    main(["train", NAME, "--seed", "7", *quick, *runs])
    main(["export", NAME, "--models", str(folder / "models"), "--data", str(samples), *runs])
    return folder


def test_a_model_is_trained_exported_evaluated_and_drawn(workplace: Path, samples: Path) -> None:
    models = ["--models", str(workplace / "models")]
    runs = ["--runs", str(workplace / "runs")]
    data = ["--subset", "100", "--data", str(samples)]
    exported = load(workplace / "models" / NAME / "1")
    main(["evaluate", NAME, *models, *data])
    assert load(workplace / "models" / NAME / "1").manifest == exported.manifest  # of too few
    main(["evaluate", "all", *models, "--data", str(samples)])
    main(["figures", "--out", str(workplace / "figures"), *models, *runs, *data])
    evaluated = load(workplace / "models" / NAME / "1").manifest
    assert evaluated.operations == exported.manifest.operations
    errors = {
        each.method: each.value
        for each in evaluated.measurements
        if each.quantity == "mse" and "validation" in each.data
    }
    # One epoch on 100 images is hardly any training, and better than none: gray is about 0.17.
    assert 0 < errors["model"] < errors["model before fine-tuning"] < 1
    drawn = {path.name for path in (workplace / "figures").iterdir()}
    assert {"reconstructions.png", f"{NAME}-training.png", "sparsity-loss.png"} <= drawn


def test_the_manifest_says_how_to_train_the_model_again(workplace: Path) -> None:
    provenance = load(workplace / "models" / NAME / "1").manifest.provenance
    assert provenance.command == (
        f"python -m training train {NAME} --seed 7 --epochs 1 --subset 100"
    )
    assert (provenance.seed, provenance.epochs) == (7, 3)  # two phases and the fine-tuning
    assert {"python", "keras", "tensorflow", "tf2onnx", "onnxruntime"} <= set(provenance.versions)
    page = (workplace / "models" / NAME / "1" / card.FILE_NAME).read_text()
    assert provenance.command in page


@pytest.fixture
def run(data: FashionMnist, tmp_path: Path) -> Callable[..., list[str]]:
    """Train a model for a moment and return what was announced."""

    def run(seed: int = 1, *, epochs: int = 1, again: bool = False) -> list[str]:
        announced: list[str] = []
        train(
            RECIPES["stacked"].changed(epochs=epochs),
            data,
            tmp_path / "run",
            seed=seed,
            command="none",
            again=again,
            announce=announced.append,
        )
        return announced

    return run


def test_a_training_that_was_stopped_is_gone_on_with(
    run: Callable[..., list[str]], tmp_path: Path
) -> None:
    run()
    folder = tmp_path / "run"
    # As if stopped at its very end.
    replace(FashionRecord.read(folder), trained_at="").write(folder)
    (folder / "whole" / "trace").touch()
    announced = run()
    assert "resuming the training" in announced[0]
    assert (folder / "whole" / "trace").exists()
    assert FashionRecord.read(folder).ended


def test_a_training_that_has_ended_is_left_as_it_is_unless_it_is_asked_for_again(
    run: Callable[..., list[str]], tmp_path: Path
) -> None:
    run()
    trace = tmp_path / "run" / "whole" / "trace"
    trace.touch()
    (only,) = run()
    assert "trained already" in only
    assert trace.exists()
    run(again=True)
    assert not trace.exists()


@pytest.mark.parametrize("other", [{"seed": 2}, {"epochs": 2}])
def test_a_training_of_another_plan_is_replaced_only_when_told_to(
    run: Callable[..., list[str]], tmp_path: Path, other: dict[str, int]
) -> None:
    run()
    (trace := tmp_path / "run" / "whole" / "trace").touch()
    with pytest.raises(FileExistsError, match="--again replaces it"):
        run(**other)
    assert trace.exists()
    run(**other, again=True)
    assert not trace.exists()


def test_a_record_that_was_cut_off_is_named_and_can_be_replaced(
    run: Callable[..., list[str]], tmp_path: Path
) -> None:
    run()
    path = tmp_path / "run" / "training.json"
    path.write_text(path.read_text()[:50])
    with pytest.raises(ValueError, match=r"training\.json: expected a record"):
        run()
    run(again=True)
    assert FashionRecord.read(tmp_path / "run").ended


def test_a_folder_that_holds_anything_else_is_never_touched(
    run: Callable[..., list[str]], tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    (keep := tmp_path / "run" / "thesis.txt").write_text("years of work")
    for again in (False, True):
        with pytest.raises(FileExistsError, match=r"thesis\.txt"):
            run(again=again)
    assert keep.read_text() == "years of work"


def test_a_model_that_was_not_trained_cannot_be_exported(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="python -m training train stacked"):
        load_run(tmp_path / "stacked")


def test_a_version_that_exists_is_exported_over_only_when_told_to(
    workplace: Path, samples: Path
) -> None:
    folders = [
        "--data",
        str(samples),
        "--models",
        str(workplace / "models"),
        "--runs",
        str(workplace / "runs"),
    ]
    with pytest.raises(SystemExit, match="expected a version that does not exist yet"):
        main(["export", NAME, *folders])
    main(["export", NAME, *folders, "--version", "2"])
    main(["export", NAME, *folders, "--version", "2", "--replace"])
    assert load(workplace / "models" / NAME / "2").version == 2


def test_a_model_that_does_not_exist_cannot_be_evaluated(workplace: Path, samples: Path) -> None:
    models = ["--models", str(workplace / "models"), "--data", str(samples)]
    with pytest.raises(SystemExit, match="expected one of stacked-layerwise, received nothing"):
        main(["evaluate", "nothing", *models])
    with pytest.raises(SystemExit, match="expected a manifest"):
        main(["evaluate", NAME, "--version", "9", *models])


def test_evaluation_needs_neither_keras_nor_tensorflow(workplace: Path, samples: Path) -> None:
    models = ["--models", str(workplace / "models"), "--data", str(samples), "--subset", "20"]
    program = (
        "import sys\n"
        "from training.cli import main\n"
        f"main({['evaluate', NAME, *models]!r})\n"
        "assert not {'keras', 'tensorflow'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


def test_fine_tuning_can_be_left_out(samples: Path, tmp_path: Path) -> None:
    quick = ["--epochs", "1", "--subset", "50", "--data", str(samples), "--runs", str(tmp_path)]
    main(["train", NAME, "--no-fine-tuning", *quick])
    record = FashionRecord.read(tmp_path / NAME)
    assert record.epochs == 2
    assert record.command.endswith("--no-fine-tuning")
    assert record.validation_mse_before_fine_tuning is None
    assert sorted(path.name for path in (tmp_path / NAME).glob("*-*")) == ["phase-1", "phase-2"]
    with pytest.raises(SystemExit, match="trained layer by layer"):
        main(["train", "stacked", "--no-fine-tuning", *quick])


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["train"],
        ["train", "nothing"],
        ["train", "all", "--epochs", "many"],
        ["train", "all", "--subset", "0"],
    ],
)
def test_arguments_that_cannot_be_used_end_with_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "usage: python -m training" in capsys.readouterr().err
