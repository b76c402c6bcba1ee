"""The search for the nearest codings, against all distances in float64."""

import numpy as np
import pytest
from numpy.typing import NDArray

from service.index import Metric
from service.inference.neighbours import exact
from service.inference.neighbours.exact import Exact, unit
from service.inference.pixels import Floats


def distances(codings: Floats, queries: Floats, metric: Metric) -> NDArray[np.float64]:
    """Every distance, (queries, codings)."""
    known, asked = codings.astype(np.float64), queries.astype(np.float64)
    if metric == "cosine":
        known, asked = (
            each / np.linalg.norm(each, axis=1, keepdims=True) for each in (known, asked)
        )
        cosines: NDArray[np.float64] = asked @ known.T
        return 1 - cosines
    squares = np.empty((len(asked), len(known)))
    for row, query in zip(squares, asked, strict=True):
        row[:] = np.sum((known - query) ** 2, axis=1)
    return np.sqrt(squares)


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize(
    ("count", "dimension", "queries", "k"),
    [(5_000, 30, 300, 10), (3_000, 7, 5, 100), (40, 3, 1, 40), (1, 4, 2, 1), (1_500, 576, 9, 3)],
)
def test_the_nearest_codings_are_found_all_of_them(
    metric: Metric, count: int, dimension: int, queries: int, k: int
) -> None:
    random = np.random.default_rng(1)
    codings = random.standard_normal((count, dimension)).astype(np.float32)
    asked = random.standard_normal((queries, dimension)).astype(np.float32)
    found = Exact(unit(codings) if metric == "cosine" else codings, metric).nearest(asked, k)
    every = distances(codings, asked, metric)
    expected = np.argsort(every, axis=1, kind="stable")[:, :k]
    assert found.numbers.tolist() == expected.tolist()
    near = np.take_along_axis(every, expected, axis=1)
    np.testing.assert_allclose(found.distances, near, rtol=1e-5, atol=1e-6)


def test_codings_in_any_order_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact, "FIRST", 8)
    monkeypatch.setattr(exact, "AT_ONCE", 256)
    far_first = np.linspace(9, -1, 1_000, dtype=np.float32)[:, np.newaxis]
    queries = np.array([[-2], [4], [20]], np.float32)
    found = Exact(far_first, "euclidean").nearest(queries, 5)
    every = np.abs(far_first.T.astype(np.float64) - queries)
    assert found.numbers.tolist() == np.argsort(every, axis=1, kind="stable")[:, :5].tolist()


def test_codings_that_lie_close_together_far_from_zero_are_told_apart() -> None:
    random = np.random.default_rng(2)
    codings = (1000 + 0.1 * random.standard_normal((2_000, 30))).astype(np.float32)
    asked = codings[:50] + np.float32(1e-3)
    found = Exact(codings, "euclidean").nearest(asked, 10)
    expected = np.argsort(distances(codings, asked, "euclidean"), axis=1, kind="stable")[:, :10]
    assert np.mean(found.numbers[:, 0] == np.arange(50)) == 1
    hits = [len(np.intersect1d(*pair)) for pair in zip(found.numbers, expected, strict=True)]
    assert np.mean(hits) == 10


def test_an_equal_coding_has_no_distance_and_equal_ones_are_in_order() -> None:
    codings = np.repeat(np.eye(3, dtype=np.float32), 4, axis=0)
    found = Exact(codings, "euclidean").nearest(codings[4:5], 6)
    assert found.numbers.tolist() == [[4, 5, 6, 7, 0, 1]]
    assert found.distances[0].tolist() == pytest.approx([0, 0, 0, 0, 2**0.5, 2**0.5])


def test_a_coding_of_zeros_is_at_a_right_angle_to_all() -> None:
    codings = unit(np.array([[0, 0], [3, 4], [-3, -4]], np.float32))
    assert codings.tolist() == [[0, 0], pytest.approx([0.6, 0.8]), pytest.approx([-0.6, -0.8])]
    found = Exact(codings, "cosine").nearest(np.zeros((1, 2), np.float32), 3)
    assert found.distances.tolist() == [[1, 1, 1]]
    found = Exact(codings, "cosine").nearest(np.array([[6, 8]], np.float32), 3)
    assert found.numbers.tolist() == [[1, 0, 2]]
    assert found.distances[0].tolist() == pytest.approx([0, 1, 2], abs=1e-6)
