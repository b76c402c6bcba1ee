"""Series are cut into windows, arrays of items are taken as they are."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.training.test_index_sources import save
from training.datasets import sequences
from training.datasets.description import describe
from training.datasets.items import DataSet

WINDOW = {"steps": 8, "stride": 4}


def load(path: Path, **changes: Any) -> DataSet:
    return sequences.load(describe(path, {"kind": "sequences", **changes}))


@pytest.fixture
def series(tmp_path: Path) -> Path:
    """Two series of 100 rows in one file."""
    lines = [
        f"{'ab'[row // 100]},{row},{np.sin(row / 5):.4f},{'good' if row % 100 < 95 else 'bad'}"
        for row in range(200)
    ]
    (tmp_path / "series.csv").write_text("\n".join(["machine,row,wave,state", *lines]) + "\n")
    return tmp_path / "series.csv"


def test_windows_are_rows_that_follow_each_other(series: Path) -> None:
    data = load(series, series="machine", label="state", window=WINDOW)
    assert data.rows
    assert data.rows.window
    assert (data.rows.window.steps, data.rows.window.stride) == (8, 4)
    for part in (data.train, data.validation, data.test):
        windows = part.all()
        assert windows.shape == (len(part), 8, 2)
        np.testing.assert_array_equal(np.diff(windows[:, :, 0], axis=1), 1)
        np.testing.assert_array_equal(windows[:, 0, 0], part.indices)
        assert not ((windows[:, 0, 0] < 100) & (windows[:, -1, 0] >= 100)).any()
    labels = data.labels_of(data.test)
    assert labels is not None
    last = data.test.all()[:, -1, 0] % 100
    np.testing.assert_array_equal(labels == "bad", last >= 95)


def test_scaling_is_that_of_the_rows_to_train_on(series: Path) -> None:
    data = load(series, series="machine", columns=["row", "wave"], window=WINDOW)
    assert data.scaling
    rows = np.unique(data.train.all()[:, :, 0])
    assert data.scaling.mean[0] == pytest.approx(rows.mean(), rel=1e-5)
    assert data.scaling.scale[0] == pytest.approx(rows.std(), rel=1e-5)


def test_a_window_is_no_longer_than_a_series(series: Path) -> None:
    fault = "window: expected at most 100 steps, the rows of the longest series of .* received 101"
    with pytest.raises(ValueError, match=fault):
        load(series, series="machine", window={"steps": 101, "stride": 1})


def test_rows_in_no_window_are_noted(series: Path) -> None:
    window, split = {"steps": 12, "stride": 12}, {"validation": 0.25, "test": 0}
    data = load(series, series="machine", columns=["wave"], window=window, split=split)
    assert data.notes[0] == "8 of 200 rows are in no window"
    with pytest.raises(ValueError, match="window: expected a number of steps for the series of"):
        load(series)


def test_each_file_of_a_folder_is_a_series(tmp_path: Path) -> None:
    for number in range(2):
        lines = [str(100 * number + row) for row in range(90)]
        (tmp_path / f"{number}.csv").write_text("\n".join(["value", *lines]) + "\n")
    data = load(tmp_path, window=WINDOW, split={"validation": 0.2, "test": 0.2})
    for part in (data.train, data.validation, data.test):
        assert {int(value) // 100 for value in part.all()[:, 0, 0]} == {0, 1}


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_items_of_an_array_are_taken_as_they_are(tmp_path: Path, suffix: str) -> None:
    items = np.random.default_rng(0).normal(3, 2, (40, 6, 2))
    path = tmp_path / f"items{suffix}"
    np.save(path, items) if suffix == ".npy" else np.savez(path, items)
    data = load(path, columns=["x", "y"])
    assert data.rows
    assert [column.name for column in data.rows.columns] == ["x", "y"]
    np.testing.assert_allclose(data.test.all(), items[data.test.indices], rtol=1e-6)
    train = items[data.train.indices]
    assert data.scaling
    np.testing.assert_allclose(data.scaling.mean, train.mean((0, 1)), rtol=1e-5)


def test_an_array_of_rows_is_one_series(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", np.arange(200, dtype=np.int64).reshape(100, 2))
    data = load(tmp_path / "rows.npy", window=WINDOW, split={"validation": 0.2})
    assert data.train.shape == (8, 2)
    assert data.rows
    assert [column.name for column in data.rows.columns] == ["feature_1", "feature_2"]


@pytest.mark.parametrize(
    ("array", "changes", "error"),
    [
        (np.zeros((9, 5, 2, 2)), {}, r"expected numbers \(rows, features\) or .* received float64"),
        (np.array([["a"]]), {}, r"expected numbers \(rows, features\) or .* received <U1"),
        (np.full((9, 5, 2), np.nan), {}, r"item \[0, 0, 0\]: expected a finite number, received n"),
        (np.full((9, 5, 2), np.inf), {"missing": "mask"}, "expected a finite number, received inf"),
        (np.zeros((9, 5, 2)), {"window": WINDOW}, "window: expected none for .* have 5 steps"),
        (np.zeros((9, 5, 2)), {"columns": ["x"]}, "columns: expected 2 names for .* received 1"),
        (np.zeros((9, 0, 2)), {}, r"expected numbers \(rows, f.* received float64 \(9, 0, 2\)"),
        (np.zeros((9, 5, 0)), {}, r"expected numbers \(rows, f.* received float64 \(9, 5, 0\)"),
        (np.zeros((9, 5, 2)), {"label": "state"}, "label: expected none for the array "),
        (
            np.full((9, 5, 2), 1e39),
            {},
            r"item \[0, 0, 0\]: expected a finite number, received 1e\+39",
        ),
    ],
)
def test_an_array_that_cannot_be_used_says_why(
    tmp_path: Path, array: Any, changes: dict[str, Any], error: str
) -> None:
    np.save(tmp_path / "items.npy", array)
    with pytest.raises(ValueError, match=error):
        load(tmp_path / "items.npy", **changes)


def test_a_damaged_array_is_named(tmp_path: Path) -> None:
    (tmp_path / "items.npy").write_bytes(b"\x93NUMPY")
    (tmp_path / "items.npz").write_bytes(b"PK")
    np.savez(tmp_path / "two.npz", a=np.zeros(3), b=np.zeros(3))
    for name, expected in (
        ("items.npy", "expected one array of numbers"),
        ("items.npz", "expected arrays of numbers"),
        ("two.npz", r"array 1: expected \(steps, 3\)"),
    ):
        with pytest.raises(ValueError, match=f"{name}.* ?{expected}, received"):
            load(tmp_path / name)


def test_without_a_window_each_series_is_an_item_of_its_own_length(tmp_path: Path) -> None:
    lengths = [3 + number % 4 for number in range(20)]
    lines = [
        f"s{number:02},{number + step / 10},{('low', 'high')[step == lengths[number] - 1]}"
        for number in range(20)
        for step in range(lengths[number])
    ]
    path = tmp_path / "series.csv"
    path.write_text("\n".join(["name,value,state", *lines]) + "\n")
    data = load(path, series="name", label="state")
    array = np.asarray(data.train.array)
    assert array.shape == (20, 6, 1)
    for number, item in enumerate(array):
        known = number + np.arange(lengths[number]) / 10
        np.testing.assert_allclose(item[: lengths[number], 0], known, rtol=1e-6)
        assert np.isnan(item[lengths[number] :]).all()
    parts = np.concatenate([part.indices for part in (data.train, data.validation, data.test)])
    assert sorted(parts.tolist()) == list(range(20))
    assert data.labels is not None
    assert set(data.labels.tolist()) == {"high"}  # that of the last row
    assert data.scaling
    rows = np.concatenate([array[index, : lengths[index]] for index in data.train.indices])
    assert data.scaling.mean[0] == pytest.approx(rows.mean(), rel=1e-5)
    batches = list(data.train.batches(4))
    assert sum(map(len, batches)) == len(data.train)
    assert not any(np.isnan(batch).any() for batch in batches)
    starts = [round(float(item[0, 0])) for batch in batches for item in batch]
    assert starts == data.train.indices.tolist()  # in order
    assert data.train.alike(6).shape == (6, min(lengths[i] for i in data.train.indices[:6]), 1)


def test_several_arrays_of_a_file_are_sequences(tmp_path: Path) -> None:
    path = tmp_path / "several.npz"
    sequences_ = [np.full((2 + number % 3, 2), number, np.float32) for number in range(12)]
    np.savez(path, *sequences_)
    data = load(path, columns=["a", "b"])
    assert np.asarray(data.train.array).shape == (12, 4, 2)
    assert data.train.lengths is not None
    assert data.train.lengths.tolist() == [2 + number % 3 for number in range(12)]
    np.savez(path, *sequences_, np.zeros((3, 5)))
    with pytest.raises(ValueError, match=r"array 13: expected \(steps, 2\), received \(3, 5\)"):
        load(path)


def test_items_of_one_length_are_not_padded(tmp_path: Path) -> None:
    path = tmp_path / "alike.npz"
    np.savez(path, *(np.full((3, 1), number, np.float32) for number in range(10)))
    data = load(path)
    assert data.train.lengths is None
    assert data.train.shape == (3, 1)


def test_an_array_of_other_numbers_is_converted_in_a_file(tmp_path: Path) -> None:
    array = np.arange(9 * 5 * 2, dtype=np.int64).reshape(9, 5, 2)
    np.save(tmp_path / "items.npy", array)
    data = load(tmp_path / "items.npy")
    assert isinstance(data.train.array, np.memmap)
    np.testing.assert_array_equal(data.train.array, array)


def test_a_series_goes_through_the_files_of_a_data_set(tmp_path: Path) -> None:
    parts = [{"x": [float(x) for x in range(50)]}, {"x": [float(x) for x in range(50, 100)]}]
    split = {"validation": 0.3, "test": 0}
    whole = load(save(tmp_path / "saved", *parts), window=WINDOW, split=split)
    assert whole.train.indices.tolist() == list(range(0, 63, 4))
    series = [{**part, "part": ["p"] * 30 + ["q"] * 20} for part in parts]
    with pytest.raises(ValueError, match="column part: expected the rows of a series one after"):
        load(save(tmp_path / "mixed", *series), series="part", window=WINDOW)


def test_series_that_are_mixed_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mixed.csv"
    path.write_text("machine,x\n" + "A,1\nB,2\n" * 50)
    fault = "received some of 'A' after those of another; sort the rows by it"
    with pytest.raises(ValueError, match=fault):
        load(path, series="machine")
    (tmp_path / "folder").mkdir()
    for name in ("one.csv", "two.csv"):  # in each file, a series is another
        (tmp_path / "folder" / name).write_text("machine,x\n" + "A,1\nA,2\n" * 40)
    assert len(load(tmp_path / "folder", series="machine", window=WINDOW).train) == 2 * 15
