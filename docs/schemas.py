"""JSON Schema as tables in Markdown: the fields of an object, their types and what they are."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

Schema = Mapping[str, Any]
NULL = {"type": "null"}
LIMITS = (
    ("minimum", "at least {}"),
    ("exclusiveMinimum", "more than {}"),
    ("maximum", "at most {}"),
)


def section(name: str, schema: Schema, pages: Mapping[str, str], level: int = 2) -> str:
    """Return a heading, the description and a table of the fields of an object.

    Args:
        name: Its name, the heading.
        schema: Its JSON Schema.
        pages: Where other schemas are described: names to pages, "" for the same one.
        level: Of the heading, from 1.
    """
    required = schema.get("required", [])
    rows = [
        (f"`{field}`", kind(value, pages), _what(value, needed=field in required))
        for field, value in schema.get("properties", {}).items()
    ]
    head = f"{'#' * level} {name}\n\n{flat(schema.get('description', ''))}\n"
    return f"{head}\n{table(('field', 'type', 'what'), rows)}" if rows else head


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Return a table in Markdown."""
    cells = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(row)} |\n" for row in cells)


def kind(schema: Schema, pages: Mapping[str, str]) -> str:
    """Return a type in words: `array of Tensor`, `integer, at least 1`."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}]({pages[name]}#{name.lower()})"
    if "anyOf" in schema:
        inherited = {key: value for key, value in schema.items() if key == "enum"}
        kinds = [kind({**each, **inherited}, pages) for each in schema["anyOf"] if each != NULL]
        return " or ".join(kinds)
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return _choices([f"`{value}`" if value != "" else "empty" for value in schema["enum"]])
    if schema.get("type") == "array":
        items = schema.get("items") or next(iter(schema.get("prefixItems", [])), None)
        return f"array of {kind(items, pages)}" if items else "array"
    if schema.get("type") == "object":
        values = schema.get("additionalProperties")
        return (
            f"object of {kind(values, pages)}" if isinstance(values, dict) and values else "object"
        )
    limits = [text.format(_number(schema[key])) for key, text in LIMITS if key in schema]
    name = "date and time" if schema.get("format") == "date-time" else schema.get("type", "any")
    return ", ".join([name, *limits])


def flat(text: str) -> str:
    """Return a text in one line that a cell of a table can hold."""
    return " ".join(text.split()).replace("|", "\\|")


def _what(schema: Schema, *, needed: bool) -> str:
    notes = [flat(schema.get("description", ""))]
    if NULL in schema.get("anyOf", []):
        notes.append("may be null")
    if "default" in schema and schema["default"] not in (None, ""):
        notes.append(f"by default `{json.dumps(schema['default'])}`")
    elif not needed:
        notes.append("may be left out")
    return "; ".join(note.rstrip(".") for note in notes if note)


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:g}"


def _choices(values: list[str]) -> str:
    return " or ".join(filter(None, [", ".join(values[:-1]), values[-1]]))
