"""Experiments on a handful of images, from the command line to tables and figures."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from tests.training.pca import Pca
from training.cli import main
from training.datasets.fashion_mnist import FashionMnist
from training.experiments import (
    anomalies,
    case_classes,
    case_series,
    classifiers,
    labels,
    neighbourhoods,
    pretraining,
)
from training.experiments.cases import Case, Normal
from training.experiments.components import Components
from training.experiments.detectors import detectors
from training.experiments.outcome import Value, kept
from training.experiments.tables import select, spread, table
from training.pixel_noise import Floats
from training.scores import mse

QUICK = ["--seeds", "1", "--epochs", "1", "--images", "600"]
FEW = ["--architectures", "stacked", "sparse-kl"]


@pytest.fixture
def run(eager: None, samples: Path, tmp_path: Path) -> Callable[[str], list[Value]]:
    """Run an experiment on the samples, with little training, and return its numbers."""

    def one(name: str) -> list[Value]:
        folders = ["--data", str(samples), "--runs", str(tmp_path / "runs"), "--out", str(tmp_path)]
        main(["experiment", name, *QUICK, *FEW, *folders])
        path = tmp_path / "runs" / "experiments" / "1-epochs-600-images" / name / "results.json"
        assert pixels(tmp_path / f"{name}.png").shape[1] > 600
        return [Value(**each) for each in json.loads(path.read_text())]

    return one


def pixels(path: Path) -> Floats:
    """Return a PNG's pixels (height, width, colour) in [0, 1], after a look that it is no blank."""
    picture: Floats = matplotlib.image.imread(path)[:, :, :3]
    assert 0.005 < np.mean(picture.min(axis=2) < 0.9) < 0.9, "expected ink on white"
    return picture


def rows(output: str) -> list[str]:
    return [line for line in output.splitlines() if line.startswith("|")]


def number(values: list[Value], **wanted: str) -> float:
    (found,) = select(values, **wanted)
    return found


def test_components_are_those_of_the_singular_value_decomposition(data: FashionMnist) -> None:
    found, expected = Components.of(data.train, 16), Pca(data.train, components=16)
    restored = found.reconstruct(data.test)
    assert restored == pytest.approx(expected.reconstruct(data.test), abs=1e-4)
    assert found.codings(data.test).shape == (200, 16)
    with pytest.raises(ValueError, match="expected at most 784 of these items, received 785"):
        Components.of(data.train, 785)


def test_labels_are_of_every_class_alike_and_differ_by_the_seed(data: FashionMnist) -> None:
    drawn = labels.draw(data.train_labels, 100, seed=0)
    assert (len(drawn.train), len(drawn.validation)) == (80, 20)
    both = np.concatenate([drawn.train, drawn.validation])
    assert len(set(both.tolist())) == 100
    counts = np.bincount(data.train_labels[both], minlength=10)
    expected = np.bincount(data.train_labels) / 11
    assert np.abs(counts - expected).max() <= 1
    assert drawn.train.tolist() != labels.draw(data.train_labels, 100, seed=1).train.tolist()
    with pytest.raises(ValueError, match="labels: expected at most 1100, received 2000"):
        labels.draw(data.train_labels, 2000, seed=0)


def test_a_map_that_is_the_space_is_true_and_a_random_one_is_not() -> None:
    random = np.random.default_rng(0)
    centres = np.repeat([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]], 50, axis=0)
    places = (centres + random.standard_normal((150, 2))).astype(np.float32)
    classes = np.repeat([0, 1, 2], 50).astype(np.uint8)
    line = np.stack([places[:, 0], np.zeros(150, np.float32)], axis=1)
    other = random.permutation(places)
    assert neighbourhoods.trust(places, places) == neighbourhoods.continuity(places, places) == 1
    assert neighbourhoods.accuracy(places, classes) == 1
    assert neighbourhoods.accuracy(other, classes) < 0.6
    assert neighbourhoods.trust(places, other) < 0.6
    # What is projected stays together, and what was apart comes to lie on it.
    assert neighbourhoods.continuity(places, line) > neighbourhoods.trust(places, line)


def test_simple_detectors_find_what_is_far_away() -> None:
    random = np.random.default_rng(0)
    normal = random.standard_normal((300, 8)).astype(np.float32)
    normal[:, 4:] = 0
    test = np.concatenate([normal[:50], normal[:50] + np.float32(5)])
    case = Case("group", "far", 0, Normal(normal, normal), test, np.arange(100) >= 50, {})
    found = {name: score() for name, score in detectors(case, {4, 9})}
    assert list(found) == ["PCA of 4", "isolation forest", "one-class SVM"]  # 9 are none of 8
    for scores in found.values():
        assert scores[:50].max() < scores[50:].min()


def test_figures_have_architectures_then_components_by_their_number() -> None:
    names = ["one-class SVM", "PCA of 300", "sparse-kl", "PCA of 21", "isolation forest", "stacked"]
    assert sorted(names, key=anomalies._place) == [
        "sparse-kl", "stacked", "PCA of 21", "PCA of 300", "one-class SVM", "isolation forest",
    ]  # fmt: skip


def test_windows_of_a_series_know_whether_something_is_wrong_in_them() -> None:
    series = np.arange(70, dtype=np.float32)
    assert case_series.windows(series).shape == (7, 64, 1)
    assert case_series.windows(series)[3, :2, 0].tolist() == [3, 4]


def test_numbers_are_measured_once(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "one.json"
    first = [Value("method", "condition", "accuracy", 0, 0.5)]
    assert list(kept(path, lambda: first)) == first
    assert list(kept(path, lambda: 1 / 0)) == first  # type: ignore[arg-type, return-value]
    path.write_text("[{}]")
    with pytest.raises(ValueError, match=r"one.json: expected numbers of an experiment"):
        list(kept(path, list))


def test_tables_have_means_deviations_and_the_best_in_bold() -> None:
    assert (spread([0.5], 2), spread([1.0, 2.0, 3.0], 1)) == ("0.50", "2.0 ± 1.0")
    text = table({"one": [[1.0, 3.0], [5.0]], "two": [[4.0], []]}, {"a": (0, max), "b": (1, None)})
    assert text.splitlines() == [
        "| method | a | b |",
        "|---|---|---|",
        "| one | 2 ± 1 | 5.0 |",
        "| two | **4** |  |",
    ]


in_earnest = pytest.mark.filterwarnings("ignore:Even though the:UserWarning")


@pytest.mark.slow
@in_earnest
def test_classifiers_of_few_labels_are_compared(
    run: Callable[[str], list[Value]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(classifiers, "SETTINGS", replace(classifiers.SETTINGS, epochs=2))
    monkeypatch.setattr(pretraining, "COUNTS", (100, 601))
    values = run("pretraining")
    assert {each.condition for each in values} == {"100"}  # of 600 images
    assert {each.method for each in values} == set(pretraining.STYLES)
    for name in (pretraining.TUNED, pretraining.SCRATCH, pretraining.COMPONENTS):
        assert number(values, method=name) > 0.2  # by chance it is 0.1
    assert "| classifier | 100 labels |" in capsys.readouterr().out


@pytest.mark.slow
@in_earnest
def test_codings_are_compared_with_components(
    run: Callable[[str], list[Value]], data: FashionMnist, capsys: pytest.CaptureFixture[str]
) -> None:
    values = run("reduction")
    pca = Pca(data.train[:600], components=30)
    error = number(values, method="PCA of 30", quantity="mse")
    assert error == pytest.approx(mse(pca.reconstruct(data.test), data.test), rel=1e-3)
    assert number(values, method="stacked", quantity="numbers") == 30
    assert number(values, method="sparse-kl", quantity="numbers") == 300
    assert number(values, method="stacked", quantity="mse") > error  # after one epoch
    assert number(values, method="pixels", quantity="accuracy") > 0.5
    # What is shipped was trained on far more images.
    assert number(values, method="stacked, shipped", quantity="mse") < error
    first = capsys.readouterr().out
    assert "| `stacked` | 30 |" in first
    run("reduction")
    again = capsys.readouterr().out
    assert "measured:" in first
    assert "measured:" not in again  # but read
    assert rows(again) == rows(first)


@pytest.mark.slow
@in_earnest
def test_maps_are_compared(run: Callable[[str], list[Value]]) -> None:
    values = run("visualisation")
    for quantity in ("trustworthiness", "continuity"):
        assert number(values, method="pixels, t-SNE", quantity=quantity) > 0.9
        # An encoder of two numbers that has hardly been trained is hardly a map.
        assert number(values, method="codings of 2", quantity=quantity) < 0.9


@pytest.mark.slow
@in_earnest
def test_detectors_of_anomalies_are_compared(
    run: Callable[[str], list[Value]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    root = tmp_path / "series"
    monkeypatch.setattr(case_series, "FILES", case_series.FILES[:1])
    for files in case_series.FILES:
        for name, wrong in ((files.train, False), (files.test, True)):
            write_series(root / name, wrong=wrong)
    monkeypatch.setattr(case_series, "folder", lambda: root)
    monkeypatch.setattr(case_series, "MOST", 200)
    monkeypatch.setattr(case_classes, "LONGER", 1)
    monkeypatch.setitem(globals(), "FEW", FEW[:2])
    values = run("anomalies")
    conditions = {each.condition for each in values}
    assert conditions == {"Fashion-MNIST: T-shirt/top", "digits: 0", "series: bleeding"}
    of_digits = [each for each in values if each.condition == "digits: 0"]
    assert number(of_digits, method="PCA of 21", quantity="AUROC") > 0.7
    of_series = [each for each in values if each.condition == "series: bleeding"]
    assert {each.method for each in of_series if each.quantity == "AUROC"} == {
        "stacked", "PCA of 21", "isolation forest", "one-class SVM",
    }  # fmt: skip
    assert number(of_series, method="PCA of 21", quantity="AUROC") > 0.9


def write_series(path: Path, *, wrong: bool) -> None:
    """Write a wave of 1,500 rows, which goes wrong in ten of them if it is to."""
    rows = np.arange(1500)
    value, is_wrong = np.sin(rows / 7), wrong & (rows >= 1400) & (rows < 1410)
    value[is_wrong] = np.random.default_rng(0).standard_normal(is_wrong.sum())
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{row},{value[row]},{int(is_wrong[row])}" for row in rows]
    path.write_text("\n".join(["timestamp,value,is_anomaly", *lines]) + "\n")
