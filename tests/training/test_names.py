"""Rows are named by their key, series by their file and column, as neighbours are."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from training.datasets.description import describe
from training.datasets.names import names

COLUMNS: dict[str, Any] = {
    "who": ["007", "008", None, "010"],
    "press": ["a", "a", "b", "b"],
    "heat": [1.0, 2.0, 3.0, 4.0],
}


def write(path: Path) -> Path:
    table = pa.table(COLUMNS)
    (parquet.write_table if path.suffix == ".parquet" else csv.write_csv)(table, path)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_rows_have_their_keys_as_they_are_written(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"presses{suffix}")
    assert names(describe(path, {"key": "who"})) == ["007", "008", "", "010"]
    windows = {"key": "who", "window": {"steps": 2, "stride": 1}}
    assert names(describe(path, windows)) == ["007", "008", "", "010"]
    assert names(describe(path, {})) == ()


def test_whole_series_have_their_own_names(tmp_path: Path) -> None:
    for name in ("monday", "tuesday"):
        write(tmp_path / f"{name}.csv")
    one, whole = tmp_path / "monday.csv", {"kind": "sequences"}
    assert names(describe(one, {**whole, "series": "press"})) == ["a", "b"]
    assert names(describe(one, {**whole, "key": "who"})) == ["007"]
    assert names(describe(tmp_path, whole)) == ["monday.csv", "tuesday.csv"]
    assert names(describe(tmp_path, {**whole, "series": "press"})) == [
        "monday.csv#a", "monday.csv#b", "tuesday.csv#a", "tuesday.csv#b",
    ]  # fmt: skip
