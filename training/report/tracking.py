"""Log a training to MLflow: what it was, its losses and figures, its report, its exported model."""

import hashlib
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from service.manifest import Manifest
from training.report.measure import Measured
from training.results import Results

EXPERIMENT = "autoencoder-service"
TAG = "autoencoder-service.training"
"""Tells a training that has been logged before."""
URI = "MLFLOW_TRACKING_URI"
FOLDER = "mlflow"
"""Within the folder of runs, where nothing says where to log."""
BATCH = 500
"""Metrics of a request; MLflow takes 1,000."""
LONGEST = 6_000
"""Characters of a parameter, as MLflow has it."""
OTHERS = re.compile(r"[^\w\-./ ]")
"""What names of metrics and parameters may not have everywhere."""


def destination(given: str, runs: Path) -> str:
    """Return where to log.

    Args:
        given: A URI of MLflow, a folder, or nothing.
        runs: The folder of runs.

    Returns:
        The URI; without one, that of MLFLOW_TRACKING_URI, else of a folder beside the runs.
    """
    named = given or os.environ.get(URI, "") or str(runs / FOLDER)
    return named if ":" in named else f"sqlite:///{Path(named).resolve() / 'mlflow.db'}"


def log(results: Results, measured: Measured, uri: str, *, report: Path, model: Path | None) -> str:
    """Log a training; one that has been logged before gets its figures and files anew.

    Args:
        results: The training.
        measured: What its report says.
        uri: Of the server or the database, as destination() gives it.
        report: The HTML file.
        model: Folder of the exported model; None where there is none.

    Returns:
        The identifier of MLflow's run.

    Raises:
        ConnectionError: The server does not answer, or refuses.
        ModuleNotFoundError: MLflow is not installed.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow.entities import Metric, Param, RunTag
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient

    if uri.startswith("sqlite:///"):
        Path(uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    identity = hashlib.sha256(repr((results.name, dict(results.facts))).encode()).hexdigest()
    try:
        client = MlflowClient(tracking_uri=uri)
        experiment = _experiment(client, uri)
        now = int(time.time() * 1000)
        earlier = client.search_runs([experiment], f"tags.`{TAG}` = '{identity}'", max_results=1)
        if earlier:
            run = earlier[0].info.run_id
        else:
            run = client.create_run(experiment, run_name=results.name).info.run_id
            client.log_batch(
                run,
                params=[Param(_name(name), value[:LONGEST]) for name, value in _facts(results)],
                tags=[RunTag(TAG, identity), RunTag("mlflow.note.content", results.summary)],
            )
            losses = [Metric(name, value, now, epoch) for name, value, epoch in _losses(results)]
            for start in range(0, len(losses), BATCH):
                client.log_batch(run, metrics=losses[start : start + BATCH])
        figures = _figures(results, measured) | (_measurements(model) if model else {})
        client.log_batch(
            run, metrics=[Metric(name, each, now, 0) for name, each in figures.items()]
        )
        client.log_artifact(run, str(report))
        if model:
            client.log_artifacts(run, str(model), "model")
        client.set_terminated(run, end_time=now)
    except MlflowException as error:
        raise ConnectionError(f"--mlflow: expected to log to {uri}, received: {error}") from error
    return str(run)


def _experiment(client: Any, uri: str) -> str:
    """Return the identifier of the experiment, made where there is none."""
    if found := client.get_experiment_by_name(EXPERIMENT):
        return str(found.experiment_id)
    location = None
    if uri.startswith("sqlite:///"):  # its files would else lie where the command is run
        location = (Path(uri.removeprefix("sqlite:///")).parent / "artifacts").as_uri()
    return str(client.create_experiment(EXPERIMENT, artifact_location=location))


def _facts(results: Results) -> Iterator[tuple[str, str]]:
    yield "summary", results.summary
    yield from results.facts.items()


def _losses(results: Results) -> Iterator[tuple[str, float, int]]:
    """Yield the losses by phase and name, with their epoch from 1."""
    for phase, rows in results.losses.items():
        for row in rows:
            for name, value in row.items():
                if name != "epoch" and np.isfinite(value):
                    yield _name(f"{phase}/{name}"), value, int(row["epoch"]) + 1


def _figures(results: Results, measured: Measured) -> dict[str, float]:
    found = {f"{results.validation.name}/mean score": float(np.nanmean(measured.validation))}
    if results.test is not results.validation:
        found[f"{results.test.name}/mean score"] = float(np.nanmean(measured.test))
    if measured.above:
        found["threshold"] = measured.above.score
        above = float(np.nanmean(measured.test > measured.above.score))
        found[f"{results.test.name}/above the threshold"] = above
    return found


def _measurements(model: Path) -> dict[str, float]:
    """Return what was measured of an exported model, by its manifest."""
    return {
        _name(f"{each.quantity}/{each.condition}/{each.method}/{each.data}"): each.value
        for each in Manifest.read(model).measurements
    }


def _name(text: str) -> str:
    return OTHERS.sub("", text)
