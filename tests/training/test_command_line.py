"""The command line, from training to figures, on a handful of images."""

import subprocess
import sys
from pathlib import Path

import pytest

import service
from service.inference.loader import load
from service.manifest import Operation, Tensor
from tests.training.page_text import Text
from tests.training.pca import manifest
from training import card
from training.cli import main
from training.fitting.record import TrainingRecord

NAME = "stacked-layerwise"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("eager"),
    pytest.mark.filterwarnings("ignore:Even though the:UserWarning"),  # eager, but for tf.data
]


@pytest.fixture(scope="module")
def workplace(eager: None, samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
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


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            ["export", "stacked", "--runs", "{}", "--version", "9"],
            "/stacked: expected a trained model, received",
        ),
        (
            ["export", NAME, "stacked", "--runs", "{}", "--version", "9"],
            "expected a trained model, received none",
        ),
        (["export", "photo", "--runs", "{}", "--version", "9"], "/photo: expected .*, received"),
        (["evaluate", NAME, "--models", "{}"], r"{}: expected folders <name>/<version>/ of"),
        (["evaluate", "all", "--models", "{}"], r"{}: expected folders <name>/<version>/ of"),
        (["evaluate", "photo", "--models", "{}"], r"{}: expected folders <name>/<version>/ of"),
    ],
    ids=str,
)
def test_models_that_do_not_exist_are_noticed_before_data_are_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], text: str
) -> None:
    monkeypatch.setenv("FASHION_MNIST", str(tmp_path / "data"))  # which has none
    folder = str(tmp_path / "nothing")
    with pytest.raises(SystemExit, match=text.replace("{}", folder)):
        main([each.replace("{}", folder) for each in arguments])


HEAVY = {"keras", "tensorflow", "torch", "jax", "tf2onnx"}


def test_help_evaluation_and_figures_import_neither_keras_nor_tensorflow(
    workplace: Path, samples: Path
) -> None:
    models = ["--models", str(workplace / "models"), "--data", str(samples), "--subset", "20"]
    program = f"""
import contextlib, sys
from training.cli import main
for arguments in (["train", "--help"], ["train", "nothing"], ["export", "--help"]):
    with contextlib.suppress(SystemExit):
        main(arguments)
assert not {{"onnxruntime", "matplotlib", "skimage"}} & set(sys.modules)
main({["evaluate", NAME, *models]!r})
import training.fashion.figures
assert not {HEAVY!r} & set(sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_denoiser_is_exported_and_reported_on_by_a_process_that_has_not_trained_it(
    samples: Path, tmp_path: Path
) -> None:
    quick = ["--epochs", "1", "--subset", "50", "--data", str(samples), "--runs", str(tmp_path)]
    main(["train", "denoising-gaussian", *quick])
    program = f"""
from training.cli import main
main(["report", "denoising-gaussian", *{quick[2:]!r}])
main(["export", "denoising-gaussian", *{quick[4:]!r}, "--models", {str(tmp_path / "models")!r}])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    text = Text.of(tmp_path / "denoising-gaussian" / "report.html")
    assert "Denoising" in text.headings
    assert load(tmp_path / "models" / "denoising-gaussian" / "1").name == "denoising-gaussian"


def test_photographs_have_no_reports(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="expected a model with codings, received photo"):
        main(["report", "photo", "--runs", str(tmp_path)])


def test_the_module_runs_as_a_command(workplace: Path) -> None:
    command = [sys.executable, "-m", "training", "evaluate", "nothing"]
    done = subprocess.run(
        [*command, "--models", str(workplace / "models")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == "ValueError: name: expected one of stacked-layerwise, received nothing\n"


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"autoencoder-train {service.__version__}\n"


def test_fine_tuning_can_be_left_out(samples: Path, tmp_path: Path) -> None:
    quick = ["--epochs", "1", "--subset", "50", "--data", str(samples), "--runs", str(tmp_path)]
    main(["train", NAME, "--no-fine-tuning", *quick])
    record = TrainingRecord.read(tmp_path / NAME)
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
        ["train", "photo", "--minutes", "-1"],
        ["train", "photo", "--minutes", "0"],
        ["train", "photo", "--minutes", "nan"],
        ["train", "photo", "--minutes", "inf"],
    ],
)
def test_arguments_that_cannot_be_used_end_with_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "usage: python -m training" in capsys.readouterr().err


def test_a_model_of_other_images_belongs_to_no_family(tmp_path: Path) -> None:
    images = Tensor(name="images", dtype="float32", shape=("batch", 64, 64))
    operation = Operation(
        file="a.onnx",
        sha256="0" * 64,
        input=images,
        output=images,
        steps=None,
        sigma=None,
        tiles=None,
        profile=None,
        mosaic=None,
    )
    (folder := tmp_path / "other" / "1").mkdir(parents=True)
    manifest("other", {"denoise": operation}).write(folder)
    with pytest.raises(SystemExit, match=r"other: expected a model of images of 28x28 or of photo"):
        main(["evaluate", "other", "--models", str(tmp_path)])


@pytest.mark.parametrize("command", [["evaluate", "broken"], ["figures"]], ids=" ".join)
def test_a_damaged_manifest_is_named(tmp_path: Path, samples: Path, command: list[str]) -> None:
    (folder := tmp_path / "broken" / "1").mkdir(parents=True)
    (folder / "manifest.json").write_text("{")
    with pytest.raises(SystemExit, match=r"StartupError: .*broken/1"):
        main([*command, "--models", str(tmp_path), "--data", str(samples)])


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["train", "stacked", "photo"], "names: expected stacked alone, received stacked photo"),
        (["train", "photo", "--subset", "9"], "--subset: expected no such option for photo"),
        (["export", "photo", "--data", "."], "--data: expected no such option for photo"),
        (["train", "all", "--photos", ".", "--epochs", "1"], "expected no such option for all"),
        (["evaluate", NAME, "--photos", "."], f"--photos: expected no such option for {NAME}"),
    ],
)
def test_options_of_another_family_are_refused(
    workplace: Path, arguments: list[str], text: str
) -> None:
    models = [] if arguments[0] == "train" else ["--models", str(workplace / "models")]
    with pytest.raises(SystemExit, match=text):
        main([*arguments, *models])
