"""Two trainings side by side: what can be compared is, and what differs is named."""

from dataclasses import replace
from pathlib import Path

import pytest

from service.rows import Column, Rows
from tests.training.page_text import Text
from tests.training.reported import of_images, of_rows
from training.report import compare


@pytest.mark.slow
def test_two_models_of_the_same_data_are_compared_on_the_same_items(tmp_path: Path) -> None:
    pair = of_images(4), of_images(32)
    comparison = compare.write(pair, tmp_path / "pair.html")
    text = Text.of(tmp_path / "pair.html")
    lines = [[cell.strip() for cell in row] for row in text.rows]
    assert ["components", "4", "32"] in lines
    assert not [row for row in lines if row[0] == "data"]  # the same for both
    table = comparison.table().splitlines()
    assert table[0].split() == ["pca-4", "pca-32"]
    errors = [float(each) for each in table[1].split()[-2:]]
    assert errors[0] > errors[1]
    assert [row[0] for row in lines if len(row) == 11] == ["", "original", "pca-4", "pca-32"]
    assert "The data differ" not in text.words
    data = {"data": "the same", "fit": "pad"}
    other = replace(pair[1], digest="1", data=data, facts={"components": "32", **data})
    told = compare.write((pair[0], other), tmp_path / "others.html").table()
    assert told.splitlines()[-1].startswith("The data differ (fit), and so do the items")
    page_of_others = Text.of(tmp_path / "others.html")
    assert "Reconstructions" not in page_of_others.headings
    assert "The data differ (fit)" in page_of_others.words
    assert ["fit", "none", "pad"] in [[cell.strip() for cell in row] for row in page_of_others.rows]


def test_errors_of_other_quantities_are_not_put_beside_each_other(tmp_path: Path) -> None:
    comparison = compare.write((of_rows(), of_images()), tmp_path / "pair.html")
    text = Text.of(tmp_path / "pair.html")
    assert comparison.figures == []
    assert "rows is of rows of a table, pca-16 of images: their errors" in comparison.table()
    assert text.headings == ["What differs"]
    assert text.figures == []
    one = Column(name="heat $a$", categories=(), scale=5.0)
    renamed = replace(
        of_rows(), name="others", rows=Rows(columns=(one,), missing=True, window=None)
    )
    of_others = compare.write((of_rows(), renamed), tmp_path / "pair.html")
    assert "rows and others are of other columns" in of_others.remark


def test_a_terminal_shows_long_values_whole() -> None:
    same = ", ".join(f"setting {number}" for number in range(9))
    line = compare.Line("settings", [f"{same}, rate 1", f"{same}, rate 2"])
    table = compare.Comparison(["a", "b"], [], [line], "").table().splitlines()
    assert len(table) == 4
    middle = table[0].index("b")
    first = " ".join(row[10:middle].strip() for row in table[1:])
    second = " ".join(row[middle:].strip() for row in table[1:])
    assert first == f"{same}, rate 1"
    assert second == f"{same}, rate 2"
