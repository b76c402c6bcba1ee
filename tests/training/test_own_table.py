"""A table of one's own from its file to the service: train, export, evaluate."""

from pathlib import Path

import httpx
import numpy as np
import pytest

from service.app import create_app
from service.inference.loader import load as load_model
from service.manifest import Manifest
from service.settings import Settings
from tests.training.page_text import Text
from training.cli import main
from training.datasets import tables
from training.datasets.description import describe
from training.fitting.record import TrainingRecord
from training.fitting.train import load as load_run
from training.own.preprocessing import Preprocessing

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("eager"),
    pytest.mark.filterwarnings("ignore:Even though the:UserWarning"),  # eager, but for tf.data
]
QUICK = ["--epochs", "2", "--units", "8,2", "--batch-size", "32"]


def write(path: Path, *, gaps: bool = False, seed: int = 0) -> Path:
    """Write 60 rows of a machine whose heat and current follow its load."""
    random = np.random.default_rng(seed)
    lines = ["load,heat,current,mode,state"]
    for row in range(60):
        load = random.uniform(0, 100)
        heat = "" if gaps and row % 7 == 0 else f"{300 + load / 5 + random.normal():.2f}"
        mode, state = ("idle", "run")[load > 20], ("good", "worn")[row > 50]
        lines.append(f"{load:.2f},{heat},{load * 1e-3:.5f},{mode},{state}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def workplace(eager: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs/ and models/ of a model of a table, with and without gaps."""
    folder = tmp_path_factory.mktemp("own")
    for name, recipe, more in (
        ("machine", "stacked", []),
        ("gaps", "stacked-layerwise", ["--missing", "mask"]),
    ):
        data = write(folder / f"{name}.csv", gaps=name == "gaps")
        options = ["--data", str(data), "--label", "state", "--runs", str(folder / "runs")]
        main(["train", recipe, "--name", name, *options, *QUICK, *more, "--licence", "CC0"])
        main(["export", name, "--runs", str(folder / "runs"), "--models", str(folder / "models")])
    return folder


@pytest.mark.parametrize("name", ["machine", "gaps"])
def test_the_graphs_take_and_give_raw_numbers(workplace: Path, name: str) -> None:
    changes = {"label": "state", "missing": "mask" if name == "gaps" else "refuse"}
    data = tables.load(describe(workplace / f"{name}.csv", changes))
    model = load_model(workplace / "models" / name / "1")
    assert model.manifest.rows == data.rows
    rows = data.test.all()
    assert np.isnan(rows).any() == (name == "gaps")
    autoencoder, record = load_run(workplace / "runs" / name)
    scaling = Preprocessing.from_json(record.own).scaling
    assert scaling
    filled = np.where(np.isnan(rows), scaling.mean, rows)
    codings = autoencoder.encoder.predict(scaling.scaled(filled), verbose=0)
    np.testing.assert_allclose(model.infer("encode", rows), codings, atol=1e-5)
    expected = autoencoder.decoder.predict(codings, verbose=0) * scaling.scale + scaling.mean
    decoded = model.infer("decode", codings)
    np.testing.assert_allclose(decoded, expected, rtol=1e-4, atol=1e-4)
    # Two epochs bring heat, in kelvin, near its mean, and current near its own.
    assert np.abs(decoded[:, 1] - 310).max() < 60
    assert np.abs(decoded[:, 2]).max() < 1


async def test_the_service_scores_rows_as_they_are_in_the_file(workplace: Path) -> None:
    text = (workplace / "gaps.csv").read_text()
    app = create_app(Settings(models=workplace / "models", device="cpu"))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        answer = await client.post(
            "/score?model=gaps", content=text, headers={"Content-Type": "text/csv"}
        )
    assert answer.status_code == 200, answer.text
    data = tables.load(describe(workplace / "gaps.csv", {"label": "state", "missing": "mask"}))
    rows = np.asarray(data.train.array)
    reconstructed = load_model(workplace / "models" / "gaps" / "1").infer("reconstruct", rows)
    errors = (data.scaled(rows) - data.scaled(reconstructed)) ** 2
    np.testing.assert_allclose(answer.json()["scores"], np.nanmean(errors, axis=1), rtol=1e-3)


def test_the_manifest_says_what_the_model_was_trained_on(workplace: Path) -> None:
    provenance = Manifest.read(workplace / "models" / "machine" / "1").provenance
    assert provenance.dataset == "machine.csv (48 rows of 5 to train on)"
    assert provenance.dataset_licence == "CC0"
    assert provenance.data
    assert (provenance.data["kind"], provenance.data["label"]) == ("table", "state")
    assert provenance.command.startswith("python -m training train stacked --name machine --data ")
    card = (workplace / "models" / "machine" / "1" / "README.md").read_text()
    assert "| load | number |" in card
    assert "| mode | idle, run |" in card


def test_it_is_measured_as_it_is_served(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = ["--models", str(workplace / "models")]
    main(["evaluate", "gaps", *models])
    assert "gaps/1: mse" in capsys.readouterr().out
    folder = workplace / "models" / "gaps" / "1"
    model = load_model(folder)
    data = tables.load(describe(workplace / "gaps.csv", {"label": "state", "missing": "mask"}))
    rows = data.validation.all()
    errors = data.scaled(rows) - data.scaled(model.infer("decode", model.infer("encode", rows)))
    by_item = np.nanmean(errors**2, axis=1)
    calibration = model.manifest.calibration
    assert calibration
    assert (calibration.data, calibration.items) == ("6 validation rows", 6)
    assert calibration.mean == pytest.approx(by_item.mean(), rel=1e-4)
    assert calibration.scores[-1] == pytest.approx(by_item.max(), rel=1e-4)
    errors_of = [each for each in model.manifest.measurements if each.quantity == "mse"]
    figures = {each.data: each.value for each in errors_of}
    assert set(figures) == {"6 validation rows", "6 test rows"}
    assert figures["6 validation rows"] == pytest.approx(by_item.mean(), abs=1e-5)
    of_classes = [each for each in model.manifest.measurements if each.quantity == "accuracy"]
    assert [each.data for each in of_classes] == ["6 test rows"]
    with pytest.raises(
        SystemExit,
        match=r"expected the data that gaps was trained on, .*; calibrate gaps places a threshold",
    ):
        main(["evaluate", "gaps", *models, "--data", str(workplace / "machine.csv")])


async def test_the_service_has_the_threshold_of_other_data(
    workplace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, models = workplace / "models" / "machine" / "1", ["--models", str(workplace / "models")]
    path = tmp_path / "clean.csv"
    head, *rows = write(path, seed=2).read_text().splitlines()
    others = [row for seed in (3, 4) for row in write(path, seed=seed).read_text().splitlines()[1:]]
    path.write_text("\n".join([head, *rows, *others]) + "\n")
    main(["calibrate", "machine", *models, "--data", str(path)])
    assert "for 1 % false alarms, by 180 rows of clean.csv" in capsys.readouterr().out
    app = create_app(Settings(models=workplace / "models", device="cpu"))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        answer = await client.post(
            "/score?model=machine&false_alarm_rate=0.1",
            content=path.read_bytes(),
            headers={"Content-Type": "text/csv"},
        )
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert sum(said["is_anomaly"]) == 18
    assert said["threshold"] == pytest.approx(np.quantile(said["scores"], 0.9), rel=1e-3)
    main(["evaluate", "machine", *models])
    calibration = load_model(folder).manifest.calibration
    assert calibration
    assert calibration.data == "6 validation rows"


def test_a_report_says_which_rows_of_the_file_are_the_worst(
    workplace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = ["--runs", str(workplace / "runs")]
    main(["report", "machine", *runs])
    path = workplace / "runs" / "machine" / "report.html"
    assert capsys.readouterr().out.splitlines()[-1] == str(path)
    text = Text.of(path)
    data = tables.load(describe(workplace / "machine.csv", {"label": "state"}))
    shown = {f"row {index}" for index in data.test.indices.tolist()}
    heads = {cell for row in text.rows for cell in row if cell.strip().startswith("row ")}
    assert {" ".join(cell.split()[:2]) for cell in heads} == shown
    with pytest.raises(SystemExit, match="expected the data that machine was trained on, received"):
        main(["report", "machine", *runs, "--data", str(write(tmp_path / "other.csv", seed=1))])


def test_two_trainings_are_compared_by_name(
    workplace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = ["--runs", str(workplace / "runs")]
    out = tmp_path / "both.html"
    main(["compare", "machine", "gaps", *runs, "--out", str(out)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["machine", "gaps"]
    told = "The data differ (data, missing), and so do the items that figures are of."
    assert lines[-2:] == [told, str(out)]
    assert [line.split() for line in lines if line.startswith("recipe")] == [
        ["recipe", "stacked", "stacked-layerwise"]
    ]
    assert "Losses" in Text.of(out).headings
    with pytest.raises(SystemExit, match="expected two trainings, received machine"):
        main(["compare", "machine", *runs])
    with pytest.raises(SystemExit, match=r"expected a training in .*, received nothing"):
        main(["compare", "machine", "nothing", *runs])


def test_an_ended_training_stays_and_one_of_other_data_is_refused(
    workplace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = ["--runs", str(workplace / "runs"), *QUICK]
    train = ["train", "stacked", "--name", "machine", "--label", "state", "--licence", "CC0"]
    main([*train, "--data", str(workplace / "machine.csv"), *runs])
    assert "trained already" in capsys.readouterr().out
    lines = (workplace / "machine.csv").read_text().splitlines()
    (tmp_path / "machine.csv").write_text("\n".join([*lines, lines[-1]]) + "\n")
    with pytest.raises(SystemExit, match=r"train stacked .* differs in training_images, data, "):
        main([*train, "--data", str(tmp_path / "machine.csv"), *runs])
    assert TrainingRecord.read(workplace / "runs" / "machine").ended


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["stacked", "--name", "stacked"], "--name: expected another name than those of shipped"),
        (["stacked", "sparse-l1", "--name", "x"], "names: expected one of stacked, .* with --name"),
        (["photo", "--name", "x"], "names: expected one of stacked, .* received photo"),
        (["all", "--name", "x"], "names: expected one recipe with --name, received all"),
        (["stacked", "--name", "X_1"], "--name: expected lower-case letters"),
        (["convolutional", "--name", "x"], "recipe: expected one of stacked, .* for table"),
        (["stacked", "--name", "x", "--filters", "8"], "--filters: expected no such option for st"),
        (["stacked", "--name", "x", "--stride", "8"], "--stride: expected it with --window"),
        (["stacked", "--name", "x", "--size", "8"], "size: expected no such field for table"),
        (["stacked", "--units", "8,2"], "--units: expected no such option for stacked"),
    ],
    ids=str,
)
def test_arguments_that_do_not_fit_the_data_are_refused(
    workplace: Path, tmp_path: Path, arguments: list[str], text: str
) -> None:
    data = ["--data", str(workplace / "machine.csv")] if "--name" in arguments else []
    with pytest.raises(SystemExit, match=text):
        main(["train", *arguments, *data, "--runs", str(tmp_path)])


def test_data_must_be_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="--data: expected one's own data for x, received none"):
        main(["train", "stacked", "--name", "x", "--runs", str(tmp_path)])


def test_a_name_that_was_never_trained_cannot_be_exported(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"names: expected a training in .*, or one of stacked"):
        main(["export", "x", "--runs", str(tmp_path), "--models", str(tmp_path)])
