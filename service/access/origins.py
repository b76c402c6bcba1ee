"""Origins of pages, as a setting lists them: `https://app.example`, with a port if it has one."""

import json
import re
import reprlib

ORIGIN = re.compile(r"https?://([a-z0-9._~-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")
"""A serialised origin (RFC 6454, section 6.2), as browsers send it: in lower case."""
ANY = "*"


def origins_of(value: object) -> object:
    """Return the origins of a list that is given as JSON, or separated by commas.

    Raises:
        ValueError: One is none, or "*" is not alone.
    """
    if not isinstance(value, str):
        found = value
    elif value.lstrip().startswith("["):
        try:
            found = json.loads(value)
        except ValueError:
            raise _wrong(value) from None
    else:
        found = [each.strip() for each in value.split(",") if each.strip()]
    if not isinstance(found, list | tuple):
        raise _wrong(value)
    for each in found:
        if not (isinstance(each, str) and ORIGIN.fullmatch(each)) and list(found) != [ANY]:
            raise _wrong(each)
    return tuple(found)


def _wrong(value: object) -> ValueError:
    return ValueError(
        "expected origins such as https://app.example by commas, without a path, or * alone, "
        f"received {reprlib.repr(value)}"
    )
