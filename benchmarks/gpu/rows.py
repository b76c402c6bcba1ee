"""Rows of results: one a measurement, as JSON lines and as Markdown tables."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.table import table

Value = str | float | None


@dataclass(frozen=True)
class Row:
    """One measurement.

    Attributes:
        table: Title of the table that it stands in.
        what: What was measured, its first cell.
        values: The figures by the title of their column; None where there is none.
        note: What else there is to say, its last cell; why there are no figures.
    """

    table: str
    what: str
    values: dict[str, Value] = field(default_factory=dict)
    note: str = ""

    def line(self) -> str:
        """Return it as a line of JSON."""
        return json.dumps(asdict(self))


def row(line: str) -> Row:
    """Return the row that a line of JSON holds."""
    return Row(**json.loads(line))


def tables(rows: Sequence[Row]) -> str:
    """Return rows as tables, each under its title, in the order in which they first came."""
    parts = []
    for title in dict.fromkeys(each.table for each in rows):
        some = [each for each in rows if each.table == title]
        columns = list(dict.fromkeys(column for each in some for column in each.values))
        cells = [
            [each.what, *(told(each.values.get(name)) for name in columns), each.note]
            for each in some
        ]
        parts.append(f"### {title}\n\n{table(['', *columns, 'notes'], cells)}")
    return "\n".join(parts)


def told(value: Any) -> str:
    """Return a figure with three digits or all of those before the point; "-" for none."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def reason(error: Exception) -> str:
    """Return why something was not measured, in a line: what was received, where that is said."""
    return " ".join(str(error).split()).rpartition("received: ")[2][:200]
