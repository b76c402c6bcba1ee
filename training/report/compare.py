"""Put two trainings side by side: what differs of them, their errors, and the same items."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from training.report import histograms, losses
from training.report.items import Gallery, show
from training.report.measure import Measured, measure
from training.report.page import Mean, classes, columns, differing, figures, render
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
        figures: What was measured of both.
        settings: What differs of how they were trained.
        same: Whether they are of the same data, so that figures can be compared.
    """

    names: list[str]
    figures: list[Line]
    settings: list[Line]
    same: bool

    def table(self) -> str:
        """Return the figures and the settings as a table of a terminal."""
        lines = [Line("", self.names), *self.figures, *self.settings]
        wide = max(len(line.name) for line in lines)
        shown = [_short(line) for line in lines]
        first = max(len(values[0]) for values in shown)
        rows = [
            f"{line.name:{wide}}  {values[0]:{first}}  {values[1]}".rstrip()
            for line, values in zip(lines, shown, strict=True)
        ]
        if not self.same:
            rows.append("The data differ, and so do the items that figures are of.")
        return "\n".join(rows)


MOST = 48
"""Characters of a cell on a terminal."""
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
    measured = [measure(each) for each in pair]
    first, second = pair
    same = first.digest == second.digest
    facts = [Line(*each) for each in differing([each.facts for each in pair])]
    found = [figures(each, of) for each, of in zip(pair, measured, strict=True)]
    comparison = Comparison(
        [each.name for each in pair],
        [
            Line(name, [each.get(name, "none") for each in found])
            for name in dict.fromkeys(name for each in found for name in each)
        ],
        [each for each in facts if each.name not in UNLIKE],
        same,
    )
    render(
        path,
        "compare.html.jinja",
        title=" and ".join(comparison.names),
        pair=pair,
        comparison=comparison,
        facts=facts,
        losses=losses.compare(
            comparison.names,
            [list(each.losses.values())[-1] for each in pair],
        ),
        errors=histograms.of_errors(
            dict(zip(comparison.names, (each.test for each in measured), strict=True)), None
        ),
        classes=_means(classes, pair, measured),
        columns=_means(columns, pair, measured),
        samples=_side_by_side(pair, measured) if same else None,
    )
    return comparison


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


def _short(line: Line) -> list[str]:
    """Return the values of a line; of long lists only what the other has not, cut to its end."""
    pieces = [value.split(", ") for value in line.values]
    shown = []
    for whole, mine, others in zip(line.values, pieces, reversed(pieces), strict=True):
        apart = ", ".join(each for each in mine if each not in others) or "the rest"
        text = apart if max(map(len, line.values)) > MOST else whole
        shown.append(text if len(text) <= MOST else f"{text[: MOST - 1]}…")
    return shown
