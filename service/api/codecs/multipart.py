"""Forms in bodies: the files of multipart/form-data."""

from io import BytesIO

from multipart import MultipartError, MultipartParser

from service.errors import InvalidValue, MalformedBody


def files(body: bytes | memoryview, boundary: str) -> list[bytes]:
    """Return the parts named file of a form.

    Raises MalformedBody where it is no form, InvalidValue for parts of any other name, or none.
    """
    if not boundary:
        raise MalformedBody(
            "Content-Type: expected a boundary with multipart/form-data, received none"
        )
    try:
        # Parts stay in memory: the whole body is there already, and bounded.
        parser = MultipartParser(
            BytesIO(body),
            boundary,
            len(body),
            spool_limit=len(body),
            memory_limit=len(body) + 1,
            part_limit=1024,
        )
        parts = [(part.name, part.raw) for part in parser]
    except MultipartError as error:
        raise MalformedBody(f"body: expected multipart/form-data, received: {error}") from error
    found = [raw for name, raw in parts if name == "file"]
    if not found or len(found) < len(parts):
        names = ", ".join(sorted({name for name, _ in parts})) or "none"
        raise InvalidValue(f"body: expected one or more parts named file, received {names}")
    return found
