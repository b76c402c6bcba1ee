"""What the user should know of the columns of files: names that are none, and what is left out."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def notes_on_columns(
    types: Mapping[str, Any], left_out: Sequence[str], categories: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    """Yield a note on each thing that may not be as the user expects.

    Args:
        types: The type of each column, by name; one without a name is left out.
        left_out: Names of those that are left out for their type.
        categories: The values of each category, by name.
    """
    if "" in types:
        yield "the column without a name is left out"
    if _are_values(list(types)):
        yield f"the first row is read as names of columns: {', '.join(types)}"
    for name in left_out:
        yield f"column {name} is left out: {_reason(types[name])}"
    for name, values in categories.items():
        yield f"column {name} is a category: {', '.join(values)}"


def _reason(found: Any) -> str:
    import pyarrow as pa

    if pa.types.is_binary(found):
        return "it holds bytes, or text that is not in UTF-8"
    return f"{found} is neither number nor text"


def _are_values(names: Sequence[str]) -> bool:
    """Return whether names of columns look like a first row of numbers, and do not count them."""
    try:
        numbers = [float(name) for name in names if name]
    except ValueError:
        return False
    return numbers not in [list(range(start, start + len(numbers))) for start in (0, 1)]
