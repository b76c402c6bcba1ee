"""CSV files as spreadsheets and pandas write them: what cannot be read right is said."""

import re
from pathlib import Path

import numpy as np
import pytest

from training.datasets import tables
from training.datasets.csv_files import SEPARATORS
from training.datasets.description import describe
from training.datasets.items import DataSet

ROWS = np.random.default_rng(8).normal(size=(60, 2)).round(3).tolist()


def load(path: Path) -> DataSet:
    return tables.load(describe(path, {"kind": "table"}))


def write(path: Path, head: str, mark: str = ",") -> Path:
    lines = [head, *(mark.join(map(str, row)) for row in ROWS)]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(("mark", "name"), [*SEPARATORS.items()])
def test_columns_that_no_commas_separate_are_refused(tmp_path: Path, mark: str, name: str) -> None:
    path = write(tmp_path / "rows.csv", f"a{mark}b", mark)
    with pytest.raises(ValueError, match=rf"rows.csv: expected .* by commas, received {name}"):
        load(path)
    write(path, '"a;b",c')  # in a name
    assert len(load(path).train) == 48


@pytest.mark.parametrize(("rows", "wrong"), [(60, 7), (400, 399), (200_000, 150_000)])
def test_a_cell_that_is_no_number_is_named_with_its_row(
    tmp_path: Path, rows: int, wrong: int
) -> None:
    """Whether the first megabyte, by which types are told, has it or not."""
    cells = [f"{number / 7:.4f}" for number in range(rows)]
    cells[wrong] = "hot"
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["b,temp", *(f"1,{cell}" for cell in cells)]) + "\n")
    with pytest.raises(
        ValueError, match=rf"rows.csv: rows\[{wrong}\].temp: expected a number.*received 'hot'"
    ):
        load(path)


def test_numerals_and_a_word_can_be_a_category(tmp_path: Path) -> None:
    words = ["1", "2", "3", "none"]
    rows = [f"{a},{words[number % 4]}" for number, (a, _) in enumerate(ROWS)]
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["a,stars", *rows]) + "\n")
    assert load(path).train.shape[-1] == 5


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_names_of_another_encoding_are_refused_by_the_file(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(write(path, "größe,b").read_text().encode(encoding))
    with pytest.raises(ValueError, match=r"rows.csv: expected text in UTF-8, received: "):
        load(path)


def test_text_of_another_encoding_is_left_out_with_a_note(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"a,size\n" + "1,groß\n2,klein\n".encode("latin-1") * 30)
    note = "column size is left out: it holds bytes, or text that is not in UTF-8"
    assert note in load(path).notes


def test_the_index_that_pandas_writes_is_left_out(tmp_path: Path) -> None:
    data = load(write(tmp_path / "rows.csv", "0,1"))
    assert data.notes == ()  # as pandas names columns
    lines = [f"{number},{a},{b}" for number, (a, b) in enumerate(ROWS)]
    (tmp_path / "rows.csv").write_text("\n".join([",a,b", *lines]) + "\n")
    data = load(tmp_path / "rows.csv")
    assert data.rows
    assert [column.name for column in data.rows.columns] == ["a", "b"]
    assert "the column without a name is left out" in data.notes


def test_a_first_row_of_numbers_is_noted(tmp_path: Path) -> None:
    notes = load(write(tmp_path / "rows.csv", "0.5,-1.25")).notes
    assert "the first row is read as names of columns: 0.5, -1.25" in notes


def test_the_file_of_a_folder_that_is_wrong_is_named(tmp_path: Path) -> None:
    write(tmp_path / "1.csv", "a,b")
    write(tmp_path / "2.csv", "a,c")
    with pytest.raises(ValueError, match=r"2\.csv: expected a table, received: Column 'b'"):
        load(tmp_path)
    (tmp_path / "2.csv").write_text("")
    with pytest.raises(ValueError, match=r"2\.csv: expected a table, received: Empty CSV file"):
        load(tmp_path)


def test_numbers_that_float32_hardly_tells_are_noted(tmp_path: Path) -> None:
    lines = [f"{1.7e9 + number},{a}" for number, (a, _) in enumerate(ROWS * 5)]
    (tmp_path / "rows.csv").write_text("\n".join(["time,a", *lines]) + "\n")
    [note] = [each for each in load(tmp_path / "rows.csv").notes if "time" in each]
    assert note.startswith("column time: float32 tells numbers near 1.7e+09 to 128 alone, and they")
    lines = [f"{1.7e9 + number / 9},{a}" for number, (a, _) in enumerate(ROWS)]
    (tmp_path / "rows.csv").write_text("\n".join(["time,a", *lines]) + "\n")
    [note] = [each for each in load(tmp_path / "rows.csv").notes if "time" in each]
    assert note.startswith("column time is constant in the training part: 1.7e+09; float32 tells")
    lines = [f"{a * 1e-42},{b}" for a, b in ROWS]
    (tmp_path / "rows.csv").write_text("\n".join(["small,a", *lines]) + "\n")
    with pytest.raises(ValueError, match=r"column small: expected a standard deviation of 1\.18e-"):
        load(tmp_path / "rows.csv")


@pytest.mark.parametrize("wrong", ["1e39", "-inf"])
def test_a_number_beyond_float32_is_told_as_it_is_written(tmp_path: Path, wrong: str) -> None:
    path = write(tmp_path / "rows.csv", "a,b")
    path.write_text(path.read_text() + f"1,{wrong}\n")
    told = re.escape(f"{float(wrong):g}")
    fault = rf"row 60, column b: expected a finite number, received {told}"
    with pytest.raises(ValueError, match=fault):
        load(path)
