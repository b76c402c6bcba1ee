"""The nearest codings by comparing all of them, most of the work in one product of matrices."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.index import Metric
from service.inference.pixels import Floats

AT_ONCE = 1 << 20
"""Numbers of a temporary array."""
QUERIES = 256
"""Queries that are compared with all codings at a time."""
FIRST, LONGEST = 1024, 1 << 16
"""Codings that are compared first, all of which are candidates, and at most at a time; each piece
is twice as long as the one before."""
MARGIN = 16
"""Further candidates: products in float32 order codings that are about as near only roughly."""

Numbers = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Found:
    """Codings that are near, the nearest first.

    Attributes:
        numbers: Which of the index, (queries, k).
        distances: How far from the query, float32 (queries, k).
    """

    numbers: Numbers
    distances: Floats


class Exact:
    """Codings, of which the nearest to others are found without a miss.

    Half the squared distance of x and q is |x|^2 / 2 - xq, and a part that is the same for each x.
    A few candidates more than are wanted are compared once more, by their differences.
    """

    def __init__(self, codings: Floats, metric: Metric) -> None:
        """Measure codings.

        Args:
            codings: float32 (count, dimension), of length 1 or 0 where the metric is the cosine.
            metric: That of the manifest.
        """
        self._codings = codings
        self._metric = metric
        self._centre, self._halves = _measured(codings, metric)

    def nearest(self, queries: Floats, k: int) -> Found:
        """Return the nearest codings.

        Args:
            queries: float32 (queries, dimension), finite.
            k: How many, 1 to the count of the index.
        """
        if self._metric == "cosine":
            queries = unit(queries)
        kept = min(len(self._codings), k + MARGIN)
        parts = [
            self._nearest(queries[start : start + QUERIES], kept, k)
            for start in range(0, len(queries), QUERIES)
        ]
        return Found(
            np.concatenate([part.numbers for part in parts]),
            np.concatenate([part.distances for part in parts]),
        )

    def _nearest(self, queries: Floats, kept: int, k: int) -> Found:
        step = math.ceil(AT_ONCE / (kept * queries.shape[1]))
        with np.errstate(over="ignore", invalid="ignore"):  # of queries beyond all codings
            numbers = self._candidates(queries, kept)
            distances = np.concatenate(
                [
                    self._distances(queries[start : start + step], numbers[start : start + step])
                    for start in range(0, len(queries), step)
                ]
            )
        order = np.lexsort((numbers, distances))[:, :k]
        return Found(
            np.take_along_axis(numbers, order, axis=1),
            np.take_along_axis(distances, order, axis=1).astype(np.float32),
        )

    def _candidates(self, queries: Floats, kept: int) -> Numbers:
        """Return the numbers of the nearest codings, in any order, (queries, kept).

        Of each piece, those are looked at that are nearer than what has been found by then.
        """
        towards = (queries - self._centre).T
        best = np.full((len(queries), kept), np.inf, np.float32)
        numbers = np.zeros((len(queries), kept), np.intp)
        start, size = 0, max(FIRST, kept)
        while start < len(self._codings):
            piece = slice(start, start + size)
            scores = self._codings[piece] @ towards
            np.subtract(self._halves[piece, np.newaxis], scores, out=scores)
            nearer = np.flatnonzero(scores < best.max(axis=1))
            if len(nearer):
                scores, found = _by_query(scores, nearer)
                best = np.concatenate([best, scores], axis=1)
                numbers = np.concatenate([numbers, found + start], axis=1)
                least = np.argpartition(best, kept - 1, axis=1)[:, :kept]
                best = np.take_along_axis(best, least, axis=1)
                numbers = np.take_along_axis(numbers, least, axis=1)
            start += size
            size = max(size, min(2 * size, LONGEST, AT_ONCE // len(queries)))
        return numbers

    def _distances(self, queries: Floats, numbers: Numbers) -> NDArray[np.float64]:
        near, towards = self._codings[numbers], queries[:, np.newaxis]
        if self._metric == "cosine":
            cosines: NDArray[np.float64] = np.sum(near * towards, axis=-1, dtype=np.float64)
            return np.maximum(1 - cosines, 0)
        squares: NDArray[np.float64] = np.sum(np.square(near - towards), axis=-1, dtype=np.float64)
        return np.sqrt(squares)


def unit(codings: Floats) -> Floats:
    """Return codings (n, dimension) of length 1; one of zeros stays so."""
    lengths = np.sqrt(np.sum(np.square(codings, dtype=np.float64), axis=1, keepdims=True))
    scaled: Floats = np.divide(codings, lengths, where=lengths > 0, out=np.zeros_like(codings))
    return scaled


def _measured(codings: Floats, metric: Metric) -> tuple[Floats, Floats]:
    """Return the middle of codings, and half the squared distance of each from it.

    Codings that lie close together far from zero are then told apart by more digits. To the cosine,
    all codings are of one length.
    """
    count, dimension = codings.shape
    if metric == "cosine":
        return np.zeros(dimension, np.float32), np.zeros(count, np.float32)
    step = math.ceil(AT_ONCE / dimension)
    pieces = [slice(start, start + step) for start in range(0, count, step)]
    total = np.sum([codings[piece].sum(axis=0, dtype=np.float64) for piece in pieces], axis=0)
    centre = (total / count).astype(np.float32)
    halves = np.empty(count, np.float32)
    for piece in pieces:
        squares = np.square(codings[piece] - centre)
        halves[piece] = squares.sum(axis=1, dtype=np.float64) / 2
    return centre, halves


def _by_query(scores: Floats, places: Numbers) -> tuple[Floats, Numbers]:
    """Return some of the scores of codings, and which codings these are.

    Args:
        scores: (codings, queries).
        places: Which are meant, in the flat array.

    Returns:
        (queries, most of a query) each, infinity and 0 where a query has fewer.
    """
    codings, queries = np.divmod(places, scores.shape[1])
    order = np.argsort(queries, kind="stable")
    codings, queries = codings[order], queries[order]
    counts = np.bincount(queries, minlength=scores.shape[1])
    ranks = np.arange(len(queries)) - np.repeat(np.cumsum(counts) - counts, counts)
    shape = (scores.shape[1], int(counts.max()))
    found, numbers = np.full(shape, np.inf, np.float32), np.zeros(shape, np.intp)
    found[queries, ranks] = scores[codings, queries]
    numbers[queries, ranks] = codings
    return found, numbers
