"""What pydantic found wrong, in one line: where, what was expected, what was received."""

import reprlib
from collections.abc import Iterator

from pydantic import ValidationError

MOST = 3
"""Faults that are told of; a document that is something else altogether has any number."""
WORDS = {
    "missing": "expected a value, received none",
    "extra_forbidden": "expected no such field, received {input}",
    "json_invalid": "expected JSON, received: {error}",
    "greater_than": "expected more than {gt}, received {input}",
    "greater_than_equal": "expected at least {ge}, received {input}",
    "less_than_equal": "expected at most {le}, received {input}",
    "float_parsing": "expected a number, received {input}",
    "int_parsing": "expected a whole number, received {input}",
    "int_from_float": "expected a whole number, received {input}",
    "finite_number": "expected a number that is finite, received {input}",
    "value_error": "{error}",
}
"""By pydantic's type of error; any other is told in pydantic's words."""


def faults(error: ValidationError) -> Iterator[tuple[str, str]]:
    """Return where each fault lies, with dots between names, and what is wrong there."""
    for each in error.errors(include_url=False):
        words = WORDS.get(each["type"], "expected {expected}, received {input}")
        expected = each["msg"].removeprefix("Input should be ")
        told = words.format(
            **each.get("ctx", {}) | {"expected": expected, "input": reprlib.repr(each["input"])}
        )
        yield ".".join(map(str, each["loc"])), told


def explain(error: ValidationError) -> str:
    """Return the first faults in one line."""
    told = [f"{where}: {what}" if where else what for where, what in faults(error)]
    more = [f"and {len(told) - MOST} more"] if len(told) > MOST else []
    return "; ".join(told[:MOST] + more)
