"""Pydantic's validation errors in one line: field, expected, received."""

import reprlib
from collections.abc import Iterator

from pydantic import ValidationError

MAX_FAULTS = 3
"""Faults in one message: a document of another kind has any number of them."""
MESSAGES = {
    "missing": "expected a value, received none",
    "extra_forbidden": "expected no such field, received {input}",
    "json_invalid": "expected JSON, received: {error}",
    "greater_than": "expected more than {gt}, received {input}",
    "greater_than_equal": "expected at least {ge}, received {input}",
    "less_than_equal": "expected at most {le}, received {input}",
    "bool_type": "expected true or false, received {input}",
    "bool_parsing": "expected true or false, received {input}",
    "float_parsing": "expected a number, received {input}",
    "int_parsing": "expected a whole number, received {input}",
    "int_from_float": "expected a whole number, received {input}",
    "too_short": "expected {min_length} or more values, received {actual_length}",
    "string_too_short": "expected {min_length} or more characters, received {input}",
    "finite_number": "expected a number that is finite, received {input}",
    "value_error": "{error}",
}
"""By pydantic's type of error; any other gets DEFAULT."""
DEFAULT = "expected {expected}, received {input}"


def faults(error: ValidationError) -> Iterator[tuple[str, str]]:
    """Yield the field of each fault, dotted, and what was expected and received there."""
    for fault in error.errors(include_url=False):
        expected = fault["msg"].removeprefix("Input should be ")
        values = {"expected": expected, "input": reprlib.repr(fault["input"])}
        message = MESSAGES.get(fault["type"], DEFAULT)
        field = ".".join(map(str, fault["loc"]))
        yield field, message.format(**fault.get("ctx", {}) | values)


def explain(error: ValidationError) -> str:
    """Return the first faults in one line, and the number of the others."""
    lines = [f"{field}: {fault}" if field else fault for field, fault in faults(error)]
    more = [f"and {len(lines) - MAX_FAULTS} more"] if len(lines) > MAX_FAULTS else []
    return "; ".join(lines[:MAX_FAULTS] + more)
