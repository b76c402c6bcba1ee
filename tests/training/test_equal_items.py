"""Items that are all the same: refused where they are to be trained on, noted where held out."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.manifest import Manifest
from tests.training.test_index import write_own
from training.cli import main
from training.datasets.description import describe
from training.datasets.equal_items import are_equal
from training.datasets.items import DataSet, Items
from training.own.data import load as load_described

RANDOM = np.random.default_rng(6)
SERIES = RANDOM.normal(size=(200, 2)).round(3)


def load(path: Path, **changes: Any) -> DataSet:
    return load_described(describe(path, changes))


def write(path: Path, rows: Any, names: str = "x,y") -> Path:
    path.write_text("\n".join([names, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


def test_constant_columns_alone_are_refused(tmp_path: Path) -> None:
    fault = "columns: expected one that varies in the training part, received constant ones: x, y"
    path = write(tmp_path / "still.csv", [(0.1, 7)] * 100)
    with pytest.raises(ValueError, match=fault):
        load(path)
    with pytest.raises(ValueError, match=fault):
        load(path, window={"steps": 5, "stride": 1})
    write(path, [(0.1, "" if row % 3 else 7) for row in range(100)])
    with pytest.raises(ValueError, match=fault):
        load(path, missing="mask")
    write(path, [("on", "a")] * 100)
    with pytest.raises(ValueError, match=fault):
        load(path)


def test_a_constant_column_beside_others_is_noted_and_has_a_scale(tmp_path: Path) -> None:
    data = load(write(tmp_path / "rows.csv", [(x, 101_325) for x, _ in SERIES]))
    assert "column y is constant in the training part: 101325" in data.notes
    assert data.scaling
    assert data.scaling.scale[1] == 1
    assert np.isfinite(data.scaled(data.train.all())).all()


@pytest.mark.parametrize("other", [0, 1, 1500, 2999])
def test_one_item_that_is_another_is_found_wherever_it_is(other: int) -> None:
    array = np.full((3000, 3), (1, np.nan, 2), np.float32)
    part = Items(array, np.arange(3000))
    assert are_equal(part)
    array[other, 0] = 1.5
    assert not are_equal(part)
    assert not are_equal(Items(array, np.arange(1)))


def test_equal_pictures_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "black.npy", np.zeros((40, 8, 8), np.uint8))
    with pytest.raises(ValueError, match="items that differ to train on, received 32 equal ones"):
        load(tmp_path / "black.npy", kind="images")


def test_sequences_that_repeat_one_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "wave.npy", np.repeat(SERIES[np.newaxis, :9], 50, axis=0))
    with pytest.raises(ValueError, match="items that differ to train on, received 40 equal ones"):
        load(tmp_path / "wave.npy", kind="sequences")


def test_a_part_that_is_held_out_and_still_is_noted(tmp_path: Path) -> None:
    rows = SERIES.copy()
    rows[150:] = 1.5
    data = load(write(tmp_path / "pump.csv", rows), window={"steps": 3, "stride": 2})
    assert "all 9 items of the validation part are equal: they tell no threshold" in data.notes
    assert "all 9 items of the test part are equal: they measure little" in data.notes


def test_a_sensor_that_is_dead_where_the_model_is_validated_is_refused(tmp_path: Path) -> None:
    rows = [("NA", "") if 160 <= row < 180 else each for row, each in enumerate(SERIES)]
    with pytest.raises(ValueError, match="received a validation part of 9 items of which every"):
        load(write(tmp_path / "pump.csv", rows), window={"steps": 3, "stride": 2}, missing="mask")


def test_a_model_is_measured_without_a_threshold_where_scores_are_alike(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = SERIES.copy()
    rows[150:] = np.resize([[1, 2], [3, 4]], (50, 2))  # as alike as the windows of a square wave
    path = write(tmp_path / "pump.csv", rows)
    description = describe(path, {"window": {"steps": 3, "stride": 2}})
    data = {**description.model_dump(mode="json"), "sha256": load_described(description).digest}
    folder = write_own(tmp_path, "series", **data)
    main(["evaluate", "series", "--models", str(tmp_path / "models")])
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        f"{folder}: mse 0.88889 on 9 validation sequences",
        (
            f"{folder}: no threshold, as the scores of the validation part are alike; "
            "calibrate series takes other data"
        ),
    ]
    manifest = Manifest.read(folder)
    assert manifest.calibration is None
    assert [each.data for each in manifest.measurements] == [
        "9 validation sequences", "9 test sequences",
    ]  # fmt: skip
    main(
        ["calibrate", "series", "--models", str(tmp_path / "models"), "--data",
         str(write(tmp_path / "clean.csv", SERIES))]
    )  # fmt: skip
    assert Manifest.read(folder).calibration
