"""Items and their reconstructions as a page shows them: images, columns of rows, or lines."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from service.rows import Column, Rows
from training.pixel_noise import Floats
from training.report import pictures
from training.report.measure import Shown
from training.report.svg import FAINT, FIRST, INK, grid, inline, plain
from training.results import Results

MOST_COLUMNS = 40
"""Columns of a table that are shown: those with the largest errors."""
MOST_LINES = 4
"""Columns of a sequence that are drawn."""


@dataclass(frozen=True)
class Head:
    """What is said of an item above it."""

    title: str
    label: str
    score: float | None


@dataclass(frozen=True)
class Gallery:
    """Images, a row of them for the items, their reconstructions and their errors.

    Args:
        heads: What is said of each item.
        rows: Names and data URIs.
        highest: The largest error that is shown.
        width: Of an image, in pixels of a page.
        small: Whether pixels are shown as squares.
    """

    heads: Sequence[Head]
    rows: Sequence[tuple[str, Sequence[str]]]
    highest: float
    width: int
    small: bool


@dataclass(frozen=True)
class Cell:
    """A value of a column, what it was reconstructed as, and how far away that is, 0 to 1."""

    value: str
    reconstruction: str
    error: float


@dataclass(frozen=True)
class Cells:
    """Items of a table, a line for each of their columns."""

    heads: Sequence[Head]
    lines: Sequence[tuple[str, Sequence[Cell]]]
    left_out: int


@dataclass(frozen=True)
class Lines:
    """Sequences as lines, a figure for each."""

    heads: Sequence[Head]
    figures: Sequence[Markup]
    left_out: int


def show(results: Results, shown: Shown) -> Gallery | Cells | Lines:
    """Return items and their reconstructions, as fits their kind."""
    heads = list(_heads(results, shown))
    if results.rows is None:
        return _gallery(heads, shown)
    if results.kind == "sequences":
        return _lines(heads, shown, results.rows)
    return _cells(heads, shown, results.rows)


def _heads(results: Results, shown: Shown) -> Iterator[Head]:
    labels = results.test.labels
    for position, score in zip(shown.positions.tolist(), shown.scores.tolist(), strict=True):
        label = "" if labels is None else str(labels[position])
        yield Head(results.test.title(position), label, score)


def _gallery(heads: Sequence[Head], shown: Shown) -> Gallery:
    errors = np.sqrt(shown.maps)
    highest = float(errors.max()) if len(shown) else 0.0
    return Gallery(
        heads,
        [
            ("original", [pictures.uri(image) for image in shown.items]),
            ("reconstruction", [pictures.uri(image) for image in shown.reconstructions]),
            ("error", [pictures.heat(each, highest) for each in errors]),
        ],
        highest,
        pictures.shown_width(shown.items.shape[1:3]),
        pictures.is_small(shown.items.shape[1:3]),
    )


def _cells(heads: Sequence[Head], shown: Shown, rows: Rows) -> Cells:
    kept = _largest(shown.maps, MOST_COLUMNS)
    starts = np.cumsum([0, *(column.features for column in rows.columns)])
    lines = []
    for index in kept:
        column, part = rows.columns[index], slice(starts[index], starts[index + 1])
        cells = [
            Cell(
                _value(column, item[part]),
                _value(column, restored[part]),
                # One standard deviation away is half of the colour.
                float(np.nan_to_num(np.sqrt(error) / (1 + np.sqrt(error)))),
            )
            for item, restored, error in zip(
                shown.items, shown.reconstructions, shown.maps[:, index], strict=True
            )
        ]
        lines.append((column.name, cells))
    return Cells(heads, lines, len(rows.columns) - len(kept))


def _value(column: Column, numbers: Floats) -> str:
    """Return a number, or the category with the largest of the numbers."""
    if np.isnan(numbers).any():
        return "missing"
    if column.categories:
        return column.categories[int(numbers.argmax())]
    return f"{numbers[0]:.4g}"


def _lines(heads: Sequence[Head], shown: Shown, rows: Rows) -> Lines:
    kept = _largest(shown.maps, MOST_LINES)
    starts = np.cumsum([0, *(column.features for column in rows.columns)])
    figures = []
    for head, item, restored in zip(heads, shown.items, shown.reconstructions, strict=True):
        figure, axes = grid(len(kept), 1, width=2.2, height=0.85, sharex=True)
        for place, index in zip(axes, kept, strict=True):
            part = slice(starts[index], starts[index + 1])
            column = rows.columns[index]
            for values, colour, width in ((item, INK, 1.0), (restored, FIRST, 1.4)):
                drawn = _line(column, values[:, part])
                place.plot(range(len(drawn)), drawn, color=colour, linewidth=width)
            place.set_title(plain(column.name), loc="left", fontsize=8, color=FAINT, pad=2)
            place.tick_params(labelsize=7)
            place.locator_params(axis="y", nbins=3)
            place.locator_params(axis="x", integer=True)
        figures.append(inline(figure, f"{head.title} and its reconstruction"))
    return Lines(heads, figures, len(rows.columns) - len(kept))


def _line(column: Column, values: Floats) -> Floats:
    """Return the numbers of a column, or which of its categories it has, NaN where it has none."""
    if not column.categories:
        return values[:, 0]
    chosen: Floats = values.argmax(axis=1).astype(np.float32)
    chosen[np.isnan(values).any(axis=1)] = np.nan
    return chosen


def _largest(maps: Floats, most: int) -> list[int]:
    """Return the columns with the largest errors, in their order, of maps (..., columns)."""
    errors = np.nan_to_num(maps).reshape(-1, maps.shape[-1]).sum(axis=0)
    return sorted(np.argsort(-errors, kind="stable")[:most].tolist())
