"""CSV and Parquet files become features; what cannot is named by its row and column."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from training.datasets import tables
from training.datasets.description import describe
from training.datasets.items import DataSet

ROWS = 40
RANDOM = np.random.default_rng(0)
COLUMNS: dict[str, Any] = {
    "pressure": RANDOM.normal(5, 2, ROWS).round(3),
    "mode": ["slow", "fast"] * (ROWS // 2),
    "turns": RANDOM.integers(0, 1000, ROWS),
    "state": ["good"] * 30 + ["bad"] * 10,
}


def write(path: Path, columns: dict[str, Any]) -> Path:
    table = pa.table(columns)
    if path.suffix == ".parquet":
        parquet.write_table(table, path, row_group_size=7)
    else:
        csv.write_csv(table, path)
    return path


def load(path: Path, **changes: Any) -> DataSet:
    return tables.load(describe(path, changes))


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_numbers_and_categories_become_features(tmp_path: Path, suffix: str) -> None:
    data = load(write(tmp_path / f"machines{suffix}", COLUMNS), label="state")
    assert data.rows
    assert [(each.name, each.categories) for each in data.rows.columns] == [
        ("pressure", ()),
        ("mode", ("fast", "slow")),
        ("turns", ()),
    ]
    parts = [data.train, data.validation, data.test]
    assert [len(part) for part in parts] == [32, 4, 4]
    for part in parts:
        pressure, fast, slow, turns = part.all().T
        np.testing.assert_allclose(pressure, COLUMNS["pressure"][part.indices], rtol=1e-6)
        np.testing.assert_array_equal(turns, COLUMNS["turns"][part.indices])
        np.testing.assert_array_equal(fast, part.indices % 2)
        np.testing.assert_array_equal(fast + slow, 1)
        labels = data.labels_of(part)
        assert labels is not None
        np.testing.assert_array_equal(labels == "bad", part.indices >= 30)
    assert sorted(np.concatenate([part.indices for part in parts])) == list(range(ROWS))


def test_scaling_is_learned_on_the_training_part_alone(tmp_path: Path) -> None:
    data = load(write(tmp_path / "machines.csv", COLUMNS), label="state")
    train = data.train.all()
    assert data.scaling
    assert data.rows
    scaled = data.scaled(train)
    np.testing.assert_allclose(scaled[:, [0, 3]].mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(scaled[:, [0, 3]].std(0), 1, atol=1e-5)
    np.testing.assert_array_equal(scaled[:, 1:3], train[:, 1:3])
    scales = [column.scale for column in data.rows.columns]
    assert scales == pytest.approx([train[:, 0].std(), 1, train[:, 3].std()], rel=1e-5)


def test_the_seed_of_the_split_decides_the_parts(tmp_path: Path) -> None:
    path = write(tmp_path / "machines.csv", COLUMNS)
    first, again, other = load(path), load(path), load(path, split={"seed": 1})
    np.testing.assert_array_equal(first.test.indices, again.test.indices)
    assert first.test.indices.tolist() != other.test.indices.tolist()
    assert first.digest == again.digest == other.digest


def test_columns_are_taken_in_the_order_in_which_they_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "machines.csv", COLUMNS)
    data = load(path, columns=["turns", "pressure"])
    assert data.rows
    assert [column.name for column in data.rows.columns] == ["turns", "pressure"]
    np.testing.assert_array_equal(data.test.all()[:, 0], COLUMNS["turns"][data.test.indices])


def test_numbers_can_be_categories(tmp_path: Path) -> None:
    columns = COLUMNS | {"machine": [3, 10, 7, 3] * (ROWS // 4)}
    data = load(write(tmp_path / "machines.csv", columns), categories=["machine"])
    assert data.rows
    assert data.rows.columns[-1].categories == ("10", "3", "7")


def test_columns_of_neither_numbers_nor_text_are_left_out_with_a_note(tmp_path: Path) -> None:
    columns = {"time": np.arange(ROWS).astype("datetime64[s]"), **COLUMNS}
    path = write(tmp_path / "machines.csv", columns)
    data = load(path)
    assert data.rows
    assert data.rows.columns[0].name == "pressure"
    assert "column time is left out: timestamp[s] is neither number nor text" in data.notes
    with pytest.raises(ValueError, match="column time: expected numbers or text, received timest"):
        load(path, columns=["time", "pressure"])


def test_constant_columns_and_rows_in_two_parts_are_noted(tmp_path: Path) -> None:
    columns = {"a": [1.0, 2.0] * (ROWS // 2), "always": [0.1] * ROWS}
    data = load(write(tmp_path / "machines.csv", columns))
    assert data.rows
    assert data.rows.columns[1].scale == 1
    assert "column always is constant in the training part: 0.1" in data.notes
    for part in ("validation", "test"):
        assert f"4 of 4 items of the {part} part equal one that is trained on" in data.notes


def test_a_missing_number_is_refused_by_row_and_column_or_masked(tmp_path: Path) -> None:
    lines = [f"{row},{'' if row in (17, 30) else f'{row / 7:g}'}\n" for row in range(ROWS)]
    (path := tmp_path / "machines.csv").write_text("a,b\n" + "".join(lines))
    with pytest.raises(ValueError, match=r"row 17, column b: expected a finite number, received n"):
        load(path)
    data = load(path, missing="mask")
    assert data.rows
    assert data.rows.missing
    every = np.concatenate([part.all() for part in (data.train, data.validation, data.test)])
    assert sorted(every[np.isnan(every[:, 1]), 0]) == [17, 30]
    assert data.scaling
    assert np.isfinite(data.scaling.mean).all()


def test_a_category_that_is_masked_has_no_features(tmp_path: Path) -> None:
    path = write(tmp_path / "machines.parquet", COLUMNS | {"mode": ["slow", None] * 20})
    data = load(path, missing="mask")
    features = data.test.all()
    assert data.rows
    assert data.rows.missing
    first = next(index for index, each in enumerate(data.rows.columns) if each.categories)
    missing = data.test.indices % 2 == 1
    assert 0 < missing.sum() < len(missing)
    np.testing.assert_array_equal(np.isnan(features[:, first]), missing)
    assert data.scaling
    assert data.scaling.mean[first] == 0


@pytest.mark.parametrize(
    ("columns", "changes", "error"),
    [
        ({}, {"columns": ["speed"]}, "expected a column speed, received pressure, mode, turns, st"),
        ({}, {"label": "class"}, "expected a column class, received"),
        ({"pressure": [np.inf] * ROWS}, {}, r"row 0, column pressure: .* finite number, received"),
        ({"mode": ["slow", None] * 20}, {}, "row 1, column mode: expected a category, received no"),
        (
            {"pressure": [None] * ROWS},
            {"missing": "mask"},
            "column pressure: expected numbers, r",
        ),
    ],
)
def test_a_table_that_cannot_be_used_says_why(
    tmp_path: Path, columns: dict[str, Any], changes: dict[str, Any], error: str
) -> None:
    path = write(tmp_path / "machines.parquet", COLUMNS | columns)
    with pytest.raises(ValueError, match=error):
        load(path, **changes)


def test_text_of_too_many_values_is_no_category(tmp_path: Path) -> None:
    path = write(tmp_path / "machines.csv", {"name": [f"row {row}" for row in range(101)]})
    with pytest.raises(ValueError, match=r"column name: .* at most 100 categories, received 101"):
        load(path)


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("a.csv", b"a,b\n1,2\n3\n", "expected a table, received: CSV parse error"),
        ("a.csv", b"a,a\n1,2\n", "expected each column once, received a, a"),
        ("a.csv", b"", "expected a table, received: Empty CSV file"),
        ("a.csv", b"a,b\n", "expected rows, received none"),
        ("a.csv", b"a\n" + b"1\n" * 7, "expected at least 6 items to train on, received"),
        ("a.parquet", b"PAR1", "expected a table, received"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, name: str, content: bytes, error: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=error) as raised:
        load(tmp_path / name)
    assert name in str(raised.value)


def test_numbers_of_a_csv_file_may_turn_from_whole_to_broken(tmp_path: Path) -> None:
    """The type of a column is guessed by the first megabyte."""
    names = ",".join(f"column {number}" for number in range(40))
    lines = [",".join(["1000000"] * 40)] * 4000 + [",".join(["0.5"] * 40)]
    (tmp_path / "long.csv").write_text("\n".join([names, *lines]))
    assert (tmp_path / "long.csv").stat().st_size > 1 << 20
    data = load(tmp_path / "long.csv")
    assert set(data.train.array[-1]) == {0.5}
    assert set(data.train.array[0]) == {1e6}


def test_blanks_around_cells_are_no_part_of_them(tmp_path: Path) -> None:
    path = tmp_path / "blanks.csv"
    rows = [f"{number}, {number / 2} , {('red', 'green ')[number % 2]}" for number in range(30)]
    path.write_text("\n".join(["x, y, colour", *rows, "30, NA, "]) + "\n")
    data = load(path, missing="mask")
    assert data.rows
    assert [(each.name, each.categories) for each in data.rows.columns] == [
        ("x", ()),
        ("y", ()),
        ("colour", ("green", "red")),
    ]
    assert data.train.array[:2].tolist() == [[0, 0, 0, 1], [1, 0.5, 1, 0]]
    assert np.isnan(data.train.array[30, 1:]).all()


def test_whole_numbers_of_64_bits_are_rounded(tmp_path: Path) -> None:
    numbers = pa.array([2**60 + number for number in range(ROWS)])
    data = load(write(tmp_path / "large.parquet", {"number": numbers, "x": COLUMNS["pressure"]}))
    np.testing.assert_allclose(data.train.array[:, 0], 2.0**60, rtol=1e-6)


def test_what_the_model_must_not_see_is_no_column(tmp_path: Path) -> None:
    path = write(tmp_path / "machines.csv", COLUMNS)
    with pytest.raises(ValueError, match="columns: expected none that is the key, the label or"):
        load(path, columns=["pressure", "state"], label="state")
    with pytest.raises(ValueError, match="columns: expected each name once, received turns, turns"):
        load(path, columns=["turns", "turns"])


def test_rows_without_a_class_have_none(tmp_path: Path) -> None:
    state = [None if row % 4 else "good" for row in range(ROWS)]
    path = write(tmp_path / "machines.parquet", {**COLUMNS, "state": state})
    data = load(path, label="state")
    assert data.labels is not None
    assert data.labels.tolist() == [each or "" for each in state]
    classified = data.classified(data.train)
    assert classified.indices.tolist() == [row for row in data.train.indices if row % 4 == 0]
