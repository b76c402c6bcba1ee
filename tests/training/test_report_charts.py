"""Charts of reports: their ticks, colours, names and numbers."""

import re

import numpy as np
import pytest

from training.report import embedding, histograms, page


def test_codings_of_two_numbers_are_a_map_by_themselves() -> None:
    codings = np.random.default_rng(0).normal(3, 2, (40, 2)).astype(np.float32)
    placed = embedding.places(codings)
    assert placed is not None
    assert (placed.min(), placed.max()) == (0, 1)
    for axis in range(2):
        assert np.corrcoef(placed[:, axis], codings[:, axis])[0, 1] == pytest.approx(1)
    assert embedding.places(codings[:, :1]) is None


def test_units_that_say_nothing_are_counted() -> None:
    codings = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)
    codings[:, 2] = 0.5
    codings[:, 4] *= 1e-4
    assert histograms.still(codings) == 2


def test_shares_of_a_histogram_are_round_and_its_bins_are_told_apart() -> None:
    """Shares up to 17.5 % would have ticks of 2.5 %, which are not whole."""
    scores = np.repeat(np.arange(1, 41) / 40, 3)
    drawn = str(histograms.of_errors({"validation": np.r_[scores, np.full(25, 0.5)]}, None))
    ticks = [float(each) for each in re.findall(r">([\d.]+) %<", drawn)]
    assert len(ticks) > 3
    assert set(np.diff(ticks)) <= {1.0, 2.0, 5.0, 10.0}


def test_a_map_has_the_colours_of_classes_around_its_thumbnails_and_numbers_at_its_axes() -> None:
    points = np.random.default_rng(0).normal(5, 1, (40, 2)).astype(np.float32)
    labels = np.array(["a", "b"] * 20)
    titles = [f"item {number} · <&" for number in range(40)]
    images = {3: np.zeros((8, 8), np.float32)}
    flat = str(embedding.draw(points, labels, np.ones(40), titles, images, flat=True))
    assert f"stroke: {embedding.COLOURS[1]}" in flat
    assert "first number of the coding" in flat
    said = re.findall(r"<title>(.*?)</title>", flat)
    assert said == [f"item {each} · &lt;&amp;" for each in (*range(40), 3, 3)]
    embedded = str(embedding.draw(points, None, np.arange(40.0), titles, {}, flat=False))
    assert "first number of the coding" not in embedded
    assert [
        each for each in ("0", "9.75", "19.5", "29.2", "39") if f">{each}<" not in embedded
    ] == []


def test_names_of_files_break_at_slashes_and_not_within_words() -> None:
    assert page.breakable("triangles/triangle 009.jpg") == "triangles/<wbr>triangle 009.jpg"
    assert page.breakable("a" * 30) == "a" * 24 + "<wbr>" + "a" * 6
