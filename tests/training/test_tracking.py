"""Trainings are logged to MLflow: a database in a file, as without a server."""

from dataclasses import replace
from pathlib import Path

import pytest

from service.manifest import Manifest
from tests.training.pca import Pca
from tests.training.reported import DATA, of_images
from training.measurement import measurement
from training.report import tracking
from training.report.measure import measure

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:mlflow"),
    pytest.mark.filterwarnings("ignore::FutureWarning:mlflow"),
]


def test_parameters_losses_figures_and_files_are_logged_once(tmp_path: Path) -> None:
    pytest.importorskip("mlflow")
    from mlflow.tracking import MlflowClient

    model = Pca(DATA.train).write(tmp_path / "models", "pca")
    error = measurement("mse", "100 validation images", "clean", "model", 0.25)
    manifest = Manifest.read(model)
    manifest.model_copy(update={"measurements": (error,)}).write(model)
    report = tmp_path / "report.html"
    report.write_text("<title>a report</title>")
    results = of_images()
    measured = measure(results)
    uri = tracking.destination("", tmp_path)
    assert uri == f"sqlite:///{tmp_path / 'mlflow' / 'mlflow.db'}"
    runs = {tracking.log(results, measured, uri, report=report, model=model) for _ in range(2)}
    assert len(runs) == 1
    (run,) = runs
    client = MlflowClient(tracking_uri=uri)
    data = client.get_run(run).data
    assert data.params == {
        "components": "16", "data": "the same", "summary": "Principal components",
    }  # fmt: skip
    assert data.metrics["mse/clean/model/100 validation images"] == 0.25
    assert data.metrics["test/mean score"] == pytest.approx(measured.test.mean())
    steps = [(each.step, each.value) for each in client.get_metric_history(run, "whole/val_mse")]
    assert steps == [(1, 0.25), (2, 0.12)]
    kept = Path(client.download_artifacts(run, "", str(tmp_path)))
    assert (kept / "report.html").read_text() == report.read_text()
    assert {path.name for path in (kept / "model").iterdir()} == {
        path.name for path in model.iterdir()
    }
    other = replace(results, facts={"components": "17"})
    assert tracking.log(other, measured, uri, report=report, model=None) != run


def test_a_uri_is_taken_as_it_is_and_a_folder_holds_a_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tracking.destination("http://127.0.0.1:5000", tmp_path) == "http://127.0.0.1:5000"
    folder = tmp_path / "tracked"
    assert tracking.destination(str(folder), tmp_path) == f"sqlite:///{folder / 'mlflow.db'}"
    monkeypatch.setenv(tracking.URI, "http://127.0.0.1:5001")
    assert tracking.destination("", tmp_path) == "http://127.0.0.1:5001"
