"""multipart/form-data (RFC 7578): the files of a form."""

from io import BytesIO

from multipart import MultipartError, MultipartParser

from service.errors import InvalidValue, MalformedBody

MOST_PARTS = 1024
LONGEST_HEADER, MOST_HEADERS = 64 * 1024, 64
"""Bytes of a header of a part, and headers: more than any client sends of its own accord."""


def files(body: bytes | memoryview, boundary: str) -> list[bytes]:
    """Return the content of the parts named file of a form.

    Only the name of a part matters. Names of files and other parameters may be anything, in any
    charset: clients send them as their file system has them.

    Args:
        body: The form.
        boundary: What separates its parts, as the Content-Type says.

    Raises:
        MalformedBody: There is no boundary, or the body is not a form with it.
        InvalidValue: A part has another name, or there is none.
    """
    if not boundary:
        raise MalformedBody(
            "Content-Type: expected a boundary with multipart/form-data, received none"
        )
    try:
        parser = MultipartParser(
            BytesIO(body),
            boundary,
            len(body),
            charset="latin-1",  # in which any bytes are text
            # Parts stay in memory: the whole body is there already, and bounded.
            spool_limit=len(body),
            memory_limit=len(body) + 1,
            part_limit=MOST_PARTS,
            headersize_limit=LONGEST_HEADER,
            header_limit=MOST_HEADERS,
        )
        parts = [(_text(part.name), part.raw) for part in parser]
    except MultipartError as error:
        raise MalformedBody(f"body: expected multipart/form-data, received: {error}") from error
    found = [raw for name, raw in parts if name == "file"]
    if not found or len(found) < len(parts):
        names = ", ".join(sorted({name for name, _ in parts})) or "none"
        raise InvalidValue(f"body: expected one or more parts named file, received {names}")
    return found


def _text(name: str) -> str:
    """Return a name that was taken for Latin-1 as the UTF-8 that it is."""
    return name.encode("latin-1").decode("utf-8", "replace")
