"""python -m training, from training to figures, on a handful of images."""

from pathlib import Path

import pytest

from service.inference.store import load
from training import card
from training.__main__ import main
from training.datasets.fashion_mnist import FashionMnist
from training.recipes import RECIPES
from training.train import Record, train
from training.train import load as load_run

NAME = "stacked-layerwise"


@pytest.fixture(scope="module")
def workplace(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs/ and models/ of one model that was trained and exported."""
    folder = tmp_path_factory.mktemp("workplace")
    quick = ["--epochs", "1", "--subset", "100", "--data", str(samples)]
    runs = ["--runs", str(folder / "runs")]
    main(["train", NAME, "--seed", "7", *quick, *runs])
    main(["export", NAME, "--models", str(folder / "models"), *runs])
    return folder


def test_a_model_is_trained_exported_evaluated_and_drawn(workplace: Path, samples: Path) -> None:
    folders = ["--models", str(workplace / "models"), "--runs", str(workplace / "runs")]
    data = ["--subset", "100", "--data", str(samples)]
    exported = load(workplace / "models" / NAME / "1")
    main(["evaluate", NAME, *folders, *data])
    main(["figures", "--out", str(workplace / "figures"), *folders, *data])
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


def test_a_training_that_was_stopped_is_gone_on_with_and_any_other_replaced(
    data: FashionMnist, tmp_path: Path
) -> None:
    announced: list[str] = []

    def run(seed: int) -> Record:
        return train(
            RECIPES["stacked"],
            data,
            tmp_path,
            seed=seed,
            command="none",
            epochs=1,
            announce=announced.append,
        )

    first = run(1)
    (trace := tmp_path / "trace").touch()
    unended = Record(first.command, first.seed, 1100, 100, first.plan)
    unended.write(tmp_path)
    run(1)
    assert trace.exists()
    assert announced.count(f"going on with the training in {tmp_path}") == 1
    unended.write(tmp_path)
    run(2)
    assert not trace.exists()
    trace.touch()
    run(2)  # it had ended: who asks again wants it anew
    assert not trace.exists()


def test_a_model_that_was_not_trained_cannot_be_exported(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="python -m training train stacked"):
        load_run(tmp_path / "stacked")


@pytest.mark.parametrize(
    "arguments", [[], ["train"], ["train", "nothing"], ["train", "all", "--epochs", "many"]]
)
def test_arguments_that_cannot_be_used_end_with_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "usage: python -m training" in capsys.readouterr().err
