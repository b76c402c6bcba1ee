"""neighbours, of images, rows and codings."""

from typing import Any

import numpy as np
import pytest

from service.client.errors import InvalidValue, OperationNotOffered
from tests.service.small_pictures import GRAY

IMAGE = np.full((4, 4), 0.9, np.float32)


def test_images_have_the_items_of_the_index_that_are_nearest(client: Any) -> None:
    found = client.neighbours(IMAGE, model="indexed", k=2)
    assert (found.model, found.version) == ("indexed", 1)
    assert found.ids == (("white", "gray"),)
    assert found.labels == (("light", "dark"),)
    assert found.distances[0].tolist() == pytest.approx([0.4, 1.6], rel=1e-5)
    assert (found.starts, found.rows_left_over) == ((), 0)
    assert len(client.neighbours(GRAY, model="indexed").ids[0]) == 3


def test_codings_are_what_encode_returned(client: Any) -> None:
    codings = client.encode(np.stack([IMAGE, 0 * IMAGE]), model="indexed")
    expected = (("white",), ("black",))
    assert client.neighbours(codings, model="indexed", k=1).ids == expected
    found = client.neighbours(codings.array(), of="codings", model="indexed", k=1)
    assert found.ids == expected
    job = client.submit(codings, "neighbours", model="indexed", k=1)
    assert job.result().ids == expected
    job = client.submit(IMAGE, "neighbours", model="indexed", k=1)
    assert job.result().ids == (("white",),)


def test_rows_have_neighbours(client: Any) -> None:
    rows = [{"size": 2, "colour": "green"}]
    found = client.neighbours(rows, model="table")
    assert (found.ids, found.labels) == ((("green", "red"),), ((None, None),))


def test_what_cannot_be_searched_is_an_error(client: Any) -> None:
    with pytest.raises(OperationNotOffered, match="expected one that offers neighbours"):
        client.neighbours(IMAGE, model="dim")
    with pytest.raises(InvalidValue, match="k: expected at most 100"):
        client.neighbours(IMAGE, model="indexed", k=101)
    with pytest.raises(TypeError, match="expected one of fit, k, model, of, version"):
        client.neighbours(IMAGE, model="indexed", false_alarm_rate=0.1)
