"""reconstruct and score, of images and of rows."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.client.errors import InvalidValue
from tests.service.small_pictures import GRAY, PIXELS

ROWS = [{"size": 4.0, "colour": "red"}, {"size": 1.5, "colour": "green"}]
SERIES = [{"x": x * x, "y": 0.0} for x in range(8)]


def test_images_are_reconstructed_as_what_they_were_sent_as(client: Any) -> None:
    image = np.float32(PIXELS) / np.float32(255)
    again = client.reconstruct(image, model="dim")
    np.testing.assert_allclose(again.array(), image / 2)
    assert client.reconstruct(GRAY, model="dim").media_type == "image/png"


def test_scores_of_images_are_arrays(client: Any) -> None:
    image = np.full((4, 4), 0.8, np.float32)
    scores = client.score(image, model="dim", map=True)
    assert (scores.model, scores.scores.tolist()) == ("dim", pytest.approx([0.16]))
    assert scores.maps.shape == (1, 4, 4)
    assert (scores.percentiles, scores.threshold, scores.is_anomaly) == (None, None, None)
    with pytest.raises(InvalidValue, match="false_alarm_rate: expected none"):
        client.score(image, model="dim", false_alarm_rate=0.1)


def test_rows_are_dictionaries_or_files(client: Any, tmp_path: Path) -> None:
    path = tmp_path / "rows.CSV"
    path.write_text("size,colour\n4,red\n1.5,green\n")
    for rows in (ROWS, path):
        codings = client.encode(rows, model="table").array()
        assert codings.tolist() == [[4, 1, 0], [1.5, 0, 1]]
        assert np.array_equal(client.reconstruct(rows, model="table").array(), codings / 2)
        scores = client.score(rows, model="table", map=True)
        assert scores.columns == ("size", "colour")
        assert scores.scores.tolist() == pytest.approx([1.25 / 3, 0.390625 / 3])


def test_a_series_has_the_scores_of_its_rows(client: Any) -> None:
    scores = client.score(SERIES, model="series")
    assert (scores.starts, scores.rows_left_over) == ((0, 2, 4), 1)
    assert scores.row_scores.shape == (8,)
    assert np.isnan(scores.row_scores).tolist() == [False] * 7 + [True]
    with pytest.raises(InvalidValue, match=r"rows\[0\].x: expected a number, received none"):
        client.score([{"x": None, "y": 0}] * 3, model="series")
