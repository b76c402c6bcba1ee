"""Tables in Markdown: a method a row, means and standard deviations over the seeds."""

from collections.abc import Callable, Mapping, Sequence
from statistics import mean, stdev

from training.experiments.outcome import Value

Best = Callable[..., float]
"""max or min: which mean of a column is bold."""


def select(values: Sequence[Value], **wanted: str) -> list[float]:
    """Return the numbers whose method, condition or quantity are the ones wanted, by seed."""
    found = [
        each
        for each in values
        if all(getattr(each, field) == value for field, value in wanted.items())
    ]
    return [each.number for each in sorted(found, key=lambda each: each.seed)]


def spread(numbers: Sequence[float], digits: int) -> str:
    """Return the mean and, of several numbers, the sample's standard deviation."""
    if not numbers:
        return ""
    text = f"{mean(numbers):.{digits}f}"
    return f"{text} ± {stdev(numbers):.{digits}f}" if len(numbers) > 1 else text


def table(
    rows: Mapping[str, Sequence[Sequence[float]]],
    columns: Mapping[str, tuple[int, Best | None]],
    *,
    first: str = "method",
) -> str:
    """Return a table.

    Args:
        rows: The numbers of each column, by what the row is called.
        columns: By their heads: the digits of a column, and what the best of its means is.
        first: Head of the first column.
    """
    lines = [f"| {first} | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    best = [
        choose and choose(mean(cells[index]) for cells in rows.values() if cells[index])
        for index, (_, choose) in enumerate(columns.values())
    ]
    for name, cells in rows.items():
        shown = []
        for numbers, (digits, choose), top in zip(cells, columns.values(), best, strict=True):
            text = spread(numbers, digits)
            shown.append(f"**{text}**" if choose and numbers and mean(numbers) == top else text)
        lines.append(f"| {name} | {' | '.join(shown)} |")
    return "\n".join(lines)
