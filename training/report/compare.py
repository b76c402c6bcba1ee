"""Put two trainings side by side: what differs of them, their errors, and the same items."""

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

from markupsafe import Markup

from training.report import histograms, losses
from training.report.figures import MOST_COLUMNS, Mean, classes, columns, figures
from training.report.items import Gallery, show
from training.report.measure import Measured, measure
from training.report.page import render
from training.results import Results


@dataclass(frozen=True)
class Line:
    """What two trainings say of one thing."""

    name: str
    values: list[str]


@dataclass(frozen=True)
class Comparison:
    """Two trainings.

    Args:
        names: Theirs.
        figures: What was measured of both; nothing where it cannot be compared.
        settings: What differs of how they were trained.
        remark: What is to be known of the data where they differ.
    """

    names: list[str]
    figures: list[Line]
    settings: list[Line]
    remark: str

    def table(self) -> str:
        """Return the figures and the settings as a table of a terminal."""
        lines = [Line("", self.names), *self.figures, *self.settings]
        shown = [row for line in lines for row in _rows(line)]
        wide, first = (max(len(row[place]) for row in shown) for place in range(2))
        rows = [f"{name:{wide}}  {one:{first}}  {other}".rstrip() for name, one, other in shown]
        return "\n".join([*rows, *textwrap.wrap(self.remark, 2 * MOST)])


MOST = 48
"""Characters of a cell on a terminal, which has as many lines as it needs."""
TIED = "\N{NO-BREAK SPACE}"
UNLIKE = frozenset({"command", "ended", "versions"})
"""Facts that differ anyway, and are on the page alone."""


def write(pair: tuple[Results, Results], path: Path) -> Comparison:
    """Measure two models, and write a page on both.

    Args:
        pair: The trainings.
        path: The HTML file, replaced where there is one.

    Returns:
        What a terminal shows of it.
    """
    first, second = pair
    names = [each.name for each in pair]
    facts = list(_differing([each.facts for each in pair]))
    unlike = _unlike(first, second)
    same = not unlike and first.digest == second.digest
    measured = [] if unlike else [measure(each) for each in pair]
    found = [figures(*each) for each in zip(pair, measured, strict=False)]
    comparison = Comparison(
        names,
        [
            Line(name, [each.get(name, "none") for each in found])
            for name in dict.fromkeys(name for each in found for name in each)
        ],
        [each for each in facts if each.name not in UNLIKE],
        unlike or ("" if same else _of_data(first, second)),
    )
    render(
        path,
        "compare.html.jinja",
        title=" and ".join(names),
        pair=pair,
        comparison=comparison,
        facts=facts,
        charts=None if unlike else _charts(pair, measured),
        classes=None if unlike else _means(classes, pair, measured),
        columns=None if unlike else _means(columns, pair, measured)[:MOST_COLUMNS],
        samples=_side_by_side(pair, measured) if same else None,
    )
    return comparison


def _charts(pair: tuple[Results, Results], measured: list[Measured]) -> Mapping[str, Markup]:
    """Return the charts of losses and of errors."""
    names = [each.name for each in pair]
    errors = dict(zip(names, (each.test for each in measured), strict=True))
    return {
        "losses": losses.compare(names, [list(each.losses.values())[-1] for each in pair]),
        "errors": histograms.of_errors(errors, None),
    }


def _means(of: Any, pair: tuple[Results, Results], measured: list[Measured]) -> list[Line]:
    """Return the mean scores of what both have, the highest of the first training first."""
    both: list[list[Mean]] = [of(each, which) for each, which in zip(pair, measured, strict=True)]
    others = {each.name: each.score for each in both[1]}
    return [
        Line(each.name, [f"{each.score:.4g}", f"{others[each.name]:.4g}"])
        for each in both[0]
        if each.name in others
    ]


def _side_by_side(
    pair: tuple[Results, Results], measured: list[Measured]
) -> Gallery | tuple[Any, Any] | None:
    """Return the same items with the reconstructions of both; images in one gallery."""
    shown = [show(each, which.samples) for each, which in zip(pair, measured, strict=True)]
    first, second = shown
    if isinstance(first, Gallery) and isinstance(second, Gallery):
        if first.rows[0] != second.rows[0]:
            return None
        return replace(
            first,
            heads=[replace(head, score=None) for head in first.heads],
            rows=[
                first.rows[0],
                (pair[0].name, first.rows[1][1]),
                (pair[1].name, second.rows[1][1]),
            ],
        )
    return first, second


def _unlike(first: Results, second: Results) -> str:
    """Return why the scores of two trainings cannot be compared; nothing where they can."""
    kinds = [KINDS[each.kind] for each in (first, second)]
    columns = [
        [column.name for column in each.rows.columns] if each.rows else []
        for each in (first, second)
    ]
    if kinds[0] != kinds[1]:
        told = f"{first.name} is of {kinds[0]}, {second.name} of {kinds[1]}"
    elif columns[0] != columns[1]:
        told = f"{first.name} and {second.name} are of other columns"
    else:
        return ""
    return f"{told}: their errors measure different things, and are left out."


def _of_data(first: Results, second: Results) -> str:
    """Return how the data of two trainings differ."""
    differing = [line.name for line in _differing([first.data, second.data])]
    how = f" ({', '.join(differing)})" if differing else ", although they are described alike"
    return f"The data differ{how}, and so do the items that figures are of."


def _differing(facts: Sequence[Mapping[str, str]]) -> Iterator[Line]:
    """Yield what is not the same for all."""
    for name in dict.fromkeys(name for each in facts for name in each):
        values = [each.get(name, "none") for each in facts]
        if len(set(values)) > 1:
            yield Line(name, values)


def _rows(line: Line) -> Iterator[tuple[str, str, str]]:
    """Yield the rows of a terminal that a line takes: its name, and the pieces of its values."""
    pieces = [_wrapped(value) for value in line.values]
    for number, (one, other) in enumerate(zip_longest(*pieces, fillvalue="")):
        yield "" if number else line.name, one, other


def _wrapped(value: str) -> list[str]:
    """Return the lines of a value, which break between the pieces of a list where they can."""
    pieces = re.split(r"(?<=[,;]) ", value)
    kept = [each if len(each) > MOST else each.replace(" ", TIED) for each in pieces]
    return [line.replace(TIED, " ") for line in textwrap.wrap(" ".join(kept), MOST)]


KINDS = {"images": "images", "sequences": "sequences", "table": "rows of a table"}
