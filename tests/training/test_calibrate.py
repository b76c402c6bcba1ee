"""Thresholds by other data than those of the training: of tables, series and pictures."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from service.calibration import Calibration
from service.inference.anomalies import threshold
from service.manifest import Manifest
from tests.service.tiny import write_model
from tests.training.test_index import index, write_own
from training.cli import main
from training.datasets.description import describe
from training.own.data import load

RANDOM = np.random.default_rng(3)


def calibrate(folder: Path, data: Path, *options: str) -> Calibration:
    models = str(folder.parents[1])
    main(["calibrate", folder.parent.name, "--models", models, "--data", str(data), *options])
    calibration = Manifest.read(folder).calibration
    assert calibration
    return calibration


def write_table(path: Path, sizes: list[float]) -> Path:
    path.write_text("\n".join(["size,colour,note", *(f"{size},red," for size in sizes)]) + "\n")
    return path


def test_all_rows_of_another_table_place_the_threshold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Trained with classes, which clean data need not have.
    folder = write_own(tmp_path, "table", kind="table", label="state", key="id")
    sizes = RANDOM.uniform(1, 9, 500).round(3)
    path = write_table(tmp_path / "clean.csv", sizes.tolist())
    calibration = calibrate(folder, path, "--false-alarm-rate", "0.05")
    expected = ((sizes / 4) ** 2 + 0.25) / 3  # size has a scale of 2, the decoder halves
    assert (calibration.data, calibration.items) == ("500 rows of clean.csv", 500)
    assert calibration.mean == pytest.approx(expected.mean(), rel=1e-4)
    above = threshold(calibration, 0.05)
    assert np.mean(expected > above.score) == pytest.approx(0.05, abs=0.002)
    said = f"{folder}: threshold {above.score:.4g} for 5 % false alarms, by 500 rows of clean.csv"
    assert capsys.readouterr().out.splitlines() == [said]
    card = (folder / "README.md").read_text()
    assert "Scores of 500 rows of clean.csv: mean" in card


def test_a_rate_that_so_few_items_do_not_tell_changes_nothing(tmp_path: Path) -> None:
    folder = write_own(tmp_path, "table", kind="table")
    path = write_table(tmp_path / "clean.csv", [1.0, 2.0, 3.0, 4.0])
    with pytest.raises(SystemExit, match=r"false_alarm_rate: expected at least 0\.25"):
        calibrate(folder, path, "--false-alarm-rate", "0.01")
    assert Manifest.read(folder).calibration is None
    write_table(path, [2.0] * 9)
    with pytest.raises(SystemExit, match=r"expected scores that differ, received 9, all 0\.1666"):
        calibrate(folder, path)
    assert Manifest.read(folder).calibration is None


def test_data_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    folder = write_own(tmp_path, "table", kind="table", path=str(tmp_path / "train.csv"))
    path = tmp_path / "other.csv"
    path.write_text("size\n1\n2\n")
    with pytest.raises(SystemExit, match="expected a column colour, received size"):
        calibrate(folder, path)
    path.write_text("size,colour\n1,red\n,red\n")
    with pytest.raises(SystemExit, match=r"rows\[1\].size: expected a number, received none"):
        calibrate(folder, path)
    path.write_text("size,colour\n1,red\n1,blue\n")
    with pytest.raises(SystemExit, match=r"rows\[1\].colour: expected one of red, green, received"):
        calibrate(folder, path)
    with pytest.raises(SystemExit, match=r"--data: expected a file or a folder, received none at"):
        calibrate(folder, tmp_path / "nothing.csv")
    colours = write_own(tmp_path, "dim-colours", kind="images")
    np.save(tmp_path / "gray.npy", RANDOM.integers(0, 256, (20, 2, 3), np.uint8))
    with pytest.raises(
        SystemExit, match=r"expected uint8 \(images, 2, 3, 3\), received uint8 \(20"
    ):
        calibrate(colours, tmp_path / "gray.npy")
    denoiser = write_own(tmp_path, "colours", kind="images")
    with pytest.raises(SystemExit, match="expected a model that reconstructs, received colours"):
        calibrate(denoiser, tmp_path / "gray.npy")


def test_the_data_of_the_training_are_refused_while_they_are_the_same(tmp_path: Path) -> None:
    path = write_table(tmp_path / "train.csv", RANDOM.uniform(1, 9, 40).tolist())
    description = describe(path, {"columns": ["size", "colour"]})
    data = {**description.model_dump(mode="json"), "sha256": load(description).digest}
    folder = write_own(tmp_path, "table", **data)
    with pytest.raises(SystemExit, match="expected data that table was not trained on, received"):
        calibrate(folder, path)
    copy = tmp_path / "moved" / "copy.csv"
    copy.parent.mkdir()
    copy.write_bytes(path.read_bytes())
    with pytest.raises(SystemExit, match="expected data that table was not trained on, received"):
        calibrate(folder, copy)
    write_table(path, RANDOM.uniform(1, 9, 50).tolist())  # the same file, of another day
    assert calibrate(folder, path).items == 50


def test_the_windows_of_another_series_place_the_threshold(tmp_path: Path) -> None:
    folder = write_own(tmp_path, "series", kind="sequences", series="pump")
    series = RANDOM.normal(size=(1000, 2)).round(4)
    lines = ["x,y,pump", *(f"{x},{y},{'AB'[row >= 600]}" for row, (x, y) in enumerate(series))]
    path = tmp_path / "clean.csv"
    path.write_text("\n".join(lines) + "\n")
    calibration = calibrate(folder, path)
    starts = [*range(0, 598, 2), *range(600, 998, 2)]
    windows = np.stack([series[start : start + 3] for start in starts])
    expected = np.square(windows - windows.mean(axis=1, keepdims=True)).mean(axis=(1, 2))
    # Windows of 3 rows, every 2: those that do not overlap are every other one of each series.
    assert calibration.data == "498 sequences of clean.csv, of which 250 do not overlap"
    assert calibration.mean == pytest.approx(expected.mean(), rel=1e-4)
    np.save(tmp_path / "items.npy", windows.astype(np.float32))
    calibration = calibrate(folder, tmp_path / "items.npy")
    assert calibration.data == "498 sequences of items.npy"
    assert calibration.mean == pytest.approx(expected.mean(), rel=1e-4)
    series[17, 1] = np.nan
    np.save(tmp_path / "gap.npy", series)
    with pytest.raises(SystemExit, match=r"gap.npy, item \[17, 1\]: expected a finite number"):
        calibrate(folder, tmp_path / "gap.npy")
    series[17, 1] = 1e39
    np.save(tmp_path / "gap.npy", series)
    with pytest.raises(SystemExit, match=r"\[17, 1\]: expected a finite number, received 1e\+39"):
        calibrate(folder, tmp_path / "gap.npy")


def test_other_pictures_of_any_size_place_the_threshold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_own(tmp_path, "dim", kind="images", fit="resize")
    (tmp_path / "clean").mkdir()
    shades = RANDOM.integers(0, 256, 30)
    for number, shade in enumerate(shades):
        colours = np.full((6, 9, 3), shade, np.uint8)
        Image.fromarray(colours).save(tmp_path / "clean" / f"{number:02}.png")
    calibration = calibrate(folder, tmp_path / "clean")
    expected = (shades / 510) ** 2
    assert (calibration.data, calibration.items) == ("30 images of clean", 30)
    assert calibration.mean == pytest.approx(expected.mean(), rel=1e-4)
    (tmp_path / "clean" / "07.png").write_bytes(b"no picture")
    with pytest.raises(SystemExit, match="expected no broken image, received 1 broken of 30"):
        calibrate(folder, tmp_path / "clean")
    capsys.readouterr()
    calibration = calibrate(folder, tmp_path / "clean", "--broken", "0.1")
    assert calibration.mean == pytest.approx(np.delete(expected, 7).mean(), rel=1e-4)
    assert "1 of 30 images is broken and left out: 07.png" in capsys.readouterr().out
    index(folder, "--data", str(tmp_path / "clean"), "--broken", "0.1")
    lines = (folder / "index-items.jsonl").read_text().splitlines()
    ids = [json.loads(line)["id"] for line in lines]
    assert ids == [f"{number:02}.png" for number in range(30) if number != 7]
    assert Manifest.read(folder).calibration == calibration


def test_a_shipped_model_takes_ones_own_pictures(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "models", "dim")  # without a description of its data
    np.save(tmp_path / "clean.npy", RANDOM.integers(0, 256, (120, 4, 4), np.uint8))
    assert calibrate(folder, tmp_path / "clean.npy").data == "120 images of clean.npy"
