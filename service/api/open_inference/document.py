"""JSON documents of requests: each accessor checks what it returns, and says what it expected."""

from collections.abc import Mapping
from typing import Any

import orjson

from service.api.codecs.json_errors import no_json, shown
from service.errors import InvalidValue, MalformedBody

Document = Mapping[str, Any]


def parse(text: bytes, *, or_null: bool = False) -> Document:
    """Return the object that a JSON text is.

    Args:
        text: The JSON.
        or_null: Whether null stands for an object without any keys.

    Raises:
        MalformedBody: It is not JSON.
        InvalidValue: It is not an object.
    """
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise MalformedBody(f"body: expected JSON, received: {no_json(error)}") from error
    if document is None and or_null:
        return {}
    if not isinstance(document, dict):
        raise InvalidValue(f"body: expected an object, received {shown(document)}")
    return document


def objects(owner: Document, key: str) -> list[Document]:
    """Return a list of objects by its key. Raises InvalidValue for anything else."""
    found = owner.get(key)
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise InvalidValue(f"{key}: expected a list of objects, received {shown(found)}")
    return found


def name_of(tensor: Document, where: str) -> str:
    """Return the name of a tensor in a list of them. Raises InvalidValue without one."""
    name = tensor.get("name")
    if not isinstance(name, str):
        raise InvalidValue(f"{where}: expected a name for each, received {shown(name)}")
    return name


def parameters(owner: Document, where: str, *refused: str) -> Document:
    """Return the parameters of an object, {} without any.

    Args:
        owner: The object.
        where: What it is called in messages.
        refused: Parameters that are not offered, and cannot be ignored as others are.

    Raises:
        InvalidValue: They are no object, or one of them is refused.
    """
    found = owner.get("parameters")
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise InvalidValue(f"{where}.parameters: expected an object, received {shown(found)}")
    for each in refused:
        if found.get(each) is not None:
            raise InvalidValue(f"{where}.parameters: expected no {each}, which is not offered here")
    return found


def flag(owner: Document, key: str, *, default: bool) -> bool:
    """Return a boolean; the default where it is missing or null. Raises InvalidValue for others."""
    value = owner.get(key)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise InvalidValue(f"{key}: expected true or false, received {shown(value)}")
    return value
