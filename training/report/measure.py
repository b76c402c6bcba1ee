"""Run a model over the items that it was not trained on, and choose which of them are shown."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.inference.anomalies import Threshold, threshold
from service.inference.scores import Numbers, maps, scores
from training.calibration import are_alike, summary
from training.pixel_noise import Floats
from training.results import Part, Results

BATCH = 1024
SHOWN = 10
"""Items of a gallery."""
MOST_CODINGS = 2_000
"""Items of which codings are drawn."""

Positions = NDArray[np.int64]


@dataclass(frozen=True)
class Shown:
    """Items and what the model makes of them.

    Args:
        positions: Of the items in their part.
        items: (n, ...), raw.
        reconstructions: The same shape.
        scores: (n,).
        maps: The errors of the parts of each item, as service.inference.scores.maps() has them.
    """

    positions: Positions
    items: Floats
    reconstructions: Floats
    scores: Numbers
    maps: Floats

    def __len__(self) -> int:
        return len(self.positions)


@dataclass(frozen=True)
class Measured:
    """What a report says of a model.

    Args:
        validation: The score of each item of the validation part.
        test: That of each item of the test part; NaN where all of it is missing.
        parts: Mean errors of an item's parts over the test part: of pixels, or of columns.
        above: The threshold; None where the scores do not differ.
        samples: The same items for every model of these data.
        worst: Items of the test part with the highest scores, the worst first; of windows, those
            that overlap none that is worse.
        coded: Positions of items in the test part.
        codings: Their codings, (n, units).
    """

    validation: Numbers
    test: Numbers
    parts: Floats
    above: Threshold | None
    samples: Shown
    worst: Shown
    coded: Positions
    codings: Floats


def measure(results: Results) -> Measured:
    """Return what a model does on the validation and test parts."""
    validation, parts = _scored(results, results.validation)
    test = validation
    if results.test is not results.validation:
        test, parts = _scored(results, results.test)
    known = np.flatnonzero(~np.isnan(test))
    worst = _first(results.test, known[np.argsort(-test[known], kind="stable")])
    coded = spread(len(results.test), MOST_CODINGS)
    return Measured(
        validation,
        test,
        parts,
        _threshold(validation),
        shown(results, spread(len(results.test), SHOWN)),
        shown(results, worst),
        coded,
        _in_batches(results.test, coded, results.encode).reshape(len(coded), -1),
    )


def shown(results: Results, positions: Positions) -> Shown:
    """Return items of the test part, and what the model makes of them."""
    items = results.test.items.take(positions)
    restored = results.reconstruct(items)
    return Shown(
        positions,
        items,
        restored,
        scores(items, restored, results.rows),
        maps(items, restored, results.rows),
    )


def spread(count: int, most: int) -> Positions:
    """Return positions from all over a part, rising, at most so many."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))


def _first(part: Part, order: Positions) -> Positions:
    """Return the first items to show, of windows none that overlaps one before."""
    if part.windows:
        order = np.array(part.windows.first_apart(order.tolist(), SHOWN), np.int64)
    return order[:SHOWN]


def _scored(results: Results, part: Part) -> tuple[Numbers, Floats]:
    """Return the score of each item, and the mean errors of its parts."""
    found: list[Numbers] = []
    sums: Any = 0.0
    counts: Any = 0.0
    for start in range(0, len(part), BATCH):
        items = part.items.take(slice(start, start + BATCH))
        restored = results.reconstruct(items)
        found.append(scores(items, restored, results.rows))
        errors = maps(items, restored, results.rows)
        axes = (0, 1) if results.rows and errors.ndim == 3 else (0,)
        sums = sums + np.nansum(errors, axis=axes, dtype=np.float64)
        counts = counts + (~np.isnan(errors)).sum(axis=axes)
    return np.concatenate(found), np.asarray(sums / np.maximum(counts, 1), np.float32)


def _threshold(scores_of: Numbers) -> Threshold | None:
    known = scores_of[~np.isnan(scores_of)]
    if are_alike(known):
        return None
    return threshold(summary(known, "validation"), None)


def _in_batches(part: Part, positions: Positions, run: Callable[[Floats], Floats]) -> Floats:
    pieces = [
        run(part.items.take(positions[start : start + BATCH]))
        for start in range(0, len(positions), BATCH)
    ]
    return np.concatenate(pieces)
