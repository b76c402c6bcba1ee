"""Error messages for JSON: what is wrong with nested lists of numbers, and where."""

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import numpy as np
import orjson

from service.errors import InvalidValue, ShapeMismatch, is_shortage

DEEPEST = 32
"""Most levels of lists; no model takes as many."""
LARGEST = float(np.finfo(np.float32).max)


class Unexplained(Exception):
    """Numbers cannot be used; explain() raises the error that says why, which may take long."""

    def __init__(self, explain: Callable[[], NoReturn]) -> None:
        super().__init__()
        self.explain = explain


def explain(inputs: list[Any], before: int = 0, name: str = "inputs") -> NoReturn:
    """Raise for the first place where nested lists are not one array of finite float32.

    Args:
        inputs: The lists.
        before: How many items are left out between the first of the inputs and the others.
        name: What the lists are called in the message.

    Raises:
        InvalidValue: An item is no number, or too large for float32.
        ShapeMismatch: The lists are ragged.
    """

    def shape_of(item: Any, path: str, depth: int = 0) -> tuple[int, ...]:
        if not isinstance(item, list):
            if isinstance(item, bool) or not isinstance(item, int | float):
                raise InvalidValue(f"{path}: expected a number, received {shown(item)}")
            if abs(item) > LARGEST:
                raise InvalidValue(f"{path}: expected at most {LARGEST:.8g}, received {item}")
            return ()
        if depth == DEEPEST:
            raise ShapeMismatch(
                f"{path}: expected at most {DEEPEST} levels of lists, received more"
            )
        left_out = before if depth == 0 else 0
        names = [f"{path}[{index + left_out if index else 0}]" for index in range(len(item))]
        shapes = [shape_of(*each, depth + 1) for each in zip(item, names, strict=True)]
        for each, shape in zip(names, shapes, strict=True):
            if shape != shapes[0]:
                raise ShapeMismatch(
                    f"{each}: expected the shape of {path}[0], {shapes[0]}, received {shape}"
                )
        return (len(item), *(shapes[0] if shapes else ()))

    shape = shape_of(inputs, name)
    raise ShapeMismatch(
        f"{name}: expected one array of numbers, received it twice, or the shape {shape}"
    )


def no_json(error: orjson.JSONDecodeError) -> str:
    """Return why a text is not JSON.

    Raises:
        MemoryError: It may be: orjson finds no memory to parse it.
    """
    if is_shortage(error):
        raise MemoryError from error
    is_text = not error.msg.startswith("str is not valid UTF-8")
    return str(error) if is_text else "bytes that are not UTF-8"


def keys(document: Mapping[str, Any]) -> str:
    """Return the keys of an object as JSON, cut at 200 characters."""
    noun = "key" if len(document) == 1 else "keys"
    return f"the {noun} {', '.join(map(shown, document))}"[:200] if document else "{}"


def shown(item: Any) -> str:
    """Return the first 40 characters of a value as JSON."""
    try:
        return orjson.dumps(item).decode()[:40]
    except orjson.JSONEncodeError:  # orjson reads more levels than it writes
        return type(item).__name__
