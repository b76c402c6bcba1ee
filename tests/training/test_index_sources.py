"""Indexes of data sets of Hugging Face, and of sequences of several lengths."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from service.manifest import Manifest
from service.rows import Column, Rows
from tests.training.test_index import codings_of, index, items_of, write_own
from training.cli import main

SAVED = Path(__file__).parents[1] / "data" / "hugging_face"


def save(folder: Path, *parts: Mapping[str, Any]) -> Path:
    """Write a data set as `datasets` does, each part as a file of its own."""
    folder.mkdir()
    names = [f"data-{number:05d}-of-{len(parts):05d}.arrow" for number in range(len(parts))]
    for name, part in zip(names, parts, strict=True):
        table = pa.table(part)
        with pa.ipc.new_stream(folder / name, table.schema) as stream:
            stream.write_table(table)
    state = {"_data_files": [{"filename": name} for name in names]}
    (folder / "state.json").write_text(json.dumps(state))
    (folder / "dataset_info.json").write_text(json.dumps({"features": {}}))
    return folder


def write_free(tmp_path: Path) -> Path:
    """A model of sequences of any length: their codings are the means of their rows."""
    folder = write_own(tmp_path, "rows", kind="sequences", series="part")
    columns = tuple(Column(name=name, categories=(), scale=1.0) for name in "abcd")
    rows = Rows(columns=columns, missing=False, window=None)
    Manifest.read(folder).model_copy(update={"rows": rows, "pixels": None}).write(folder)
    return folder


def test_series_of_any_length_place_a_threshold(tmp_path: Path) -> None:
    folder = write_free(tmp_path)
    random = np.random.default_rng(9)
    arrays = [random.normal(size=(length, 4)) for length in (3, 5, 8)]
    np.savez(tmp_path / "presses.npz", *arrays)
    data = str(tmp_path / "presses.npz")
    main(["calibrate", "rows", "--models", str(tmp_path / "models"), "--data", data])
    calibration = Manifest.read(folder).calibration
    assert calibration
    assert calibration.data == "3 sequences of presses.npz"
    expected = [np.square(each - each.mean(axis=0)).mean() for each in arrays]
    assert calibration.mean == pytest.approx(np.mean(expected), rel=1e-4)


def test_pictures_of_a_data_set_are_named_by_the_numbers_of_their_rows(tmp_path: Path) -> None:
    folder = write_own(tmp_path, "mirror", kind="images")
    index(folder, "--data", str(SAVED / "pictures"))
    assert items_of(folder) == [
        (str(number), ("dark", "light")[number % 2]) for number in range(24)
    ]
    means = 255 * codings_of(folder).mean(axis=1)
    np.testing.assert_allclose(means, np.tile([60, 180], 12), atol=8)


def test_rows_of_a_data_set_are_numbered_through_its_files(tmp_path: Path) -> None:
    folder = write_own(tmp_path, "table", kind="table")
    part = {"size": [1.0, 2.0], "colour": ["red", "green"], "other": [None, "x"]}
    saved = save(tmp_path / "saved", part, part)
    index(folder, "--data", str(saved), "--label", "other")
    assert items_of(folder) == [("0", None), ("1", "x"), ("2", None), ("3", "x")]
    assert codings_of(folder)[2].tolist() == [1, 1, 0]
    blue = {**part, "colour": ["red", "blue"]}
    saved = save(tmp_path / "wrong", {**part, "colour": ["red", "red"]}, blue)
    with pytest.raises(SystemExit, match=r"rows\[3\]\.colour: expected one of red, green, rec"):
        index(folder, "--data", str(saved))


def test_a_series_goes_through_the_files_of_a_data_set(tmp_path: Path) -> None:
    folder = write_own(tmp_path, "series", kind="sequences")
    xs = [float(x) for x in range(8)]
    saved = save(tmp_path / "saved", {"x": xs[:4], "y": xs[:4]}, {"x": xs[4:], "y": xs[4:]})
    index(folder, "--data", str(saved))
    assert items_of(folder) == [("0", None), ("2", None), ("4", None)]
    assert codings_of(folder).tolist() == [[1, 1], [3, 3], [5, 5]]


def test_sequences_of_several_lengths_are_items(tmp_path: Path) -> None:
    folder = write_free(tmp_path)
    path = tmp_path / "parts.csv"
    lines = [f"{part},{row},1,2,3" for part, rows in (("p", 2), ("q", 5)) for row in range(rows)]
    path.write_text("\n".join(["part,a,b,c,d", *lines]) + "\n")
    index(folder, "--data", str(path))
    assert items_of(folder) == [("p", None), ("q", None)]
    assert codings_of(folder).tolist() == [[0.5, 1, 2, 3], [2, 1, 2, 3]]
    arrays = [np.full((steps, 4), steps, np.float64) for steps in (2, 5, 1)]
    np.savez(tmp_path / "parts.npz", *arrays)
    index(folder, "--data", str(tmp_path / "parts.npz"))
    assert items_of(folder) == [("0", None), ("1", None), ("2", None)]
    assert codings_of(folder)[:, 0].tolist() == [2, 5, 1]
    np.savez(tmp_path / "parts.npz", arrays[0], arrays[1][:, :3])
    with pytest.raises(SystemExit, match=r"array 2: expected numbers \(steps, 4\), received float"):
        index(folder, "--data", str(tmp_path / "parts.npz"))


def test_windows_of_several_arrays_are_named_by_array_and_row(tmp_path: Path) -> None:
    folder = write_own(tmp_path, "series", kind="sequences")
    np.savez(tmp_path / "parts.npz", np.zeros((5, 2)), np.zeros((2, 2)), np.ones((3, 2)))
    index(folder, "--data", str(tmp_path / "parts.npz"))
    assert [name for name, _ in items_of(folder)] == ["0#0", "0#2", "2#0"]
    np.savez(tmp_path / "parts.npz", np.zeros((1, 2)), np.zeros((2, 2)))
    with pytest.raises(SystemExit, match="expected a series of 3 rows, received 2"):
        index(folder, "--data", str(tmp_path / "parts.npz"))


def test_series_that_are_mixed_are_refused(tmp_path: Path) -> None:
    folder = write_own(tmp_path, "series", kind="sequences", series="pump")
    path = tmp_path / "mixed.csv"
    path.write_text("pump,x,y\n" + "A,1,1\nB,2,2\n" * 9)
    fault = "mixed.csv, column pump: expected the rows of a series one after the other, received "
    with pytest.raises(SystemExit, match=fault):
        index(folder, "--data", str(path))
