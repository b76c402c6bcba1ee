"""Values of settings as environment variables have them: lists, paths, and nothing at all."""

import json
import re
import reprlib

from service.images.formats import NAMES


def names_of(value: object) -> object:
    """Return the names of a list that is given as JSON, or separated by commas."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            names = json.loads(value)
        except ValueError:
            raise ValueError(
                f"expected names by commas or a list in JSON, received {reprlib.repr(value)}"
            ) from None
    else:
        names = [name.strip().lower() for name in value.split(",") if name.strip()]
    if not names:
        raise ValueError(f"expected at least one of {', '.join(NAMES)}, received none")
    return names


def path_of(value: object) -> object:
    """Return a path to put in front of paths: "" for the root, else without a slash at its end."""
    path = value.rstrip("/") if isinstance(value, str) else value
    if not (isinstance(path, str) and re.fullmatch(r"(/[A-Za-z0-9._~-]+)*", path)):
        raise ValueError(
            "expected a path such as /photographs, of letters, digits and . _ ~ -, "
            f"received {reprlib.repr(value)}"
        )
    return path


def or_none(value: object) -> object:
    """Return None for an empty text: a variable that is there and names nothing."""
    return None if value == "" else value
