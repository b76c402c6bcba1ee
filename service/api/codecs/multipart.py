"""multipart/form-data (RFC 7578): the files and the fields of a form."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from multipart import MultipartError, MultipartParser

from service.errors import InvalidValue, MalformedBody, UnsupportedMediaType

FILE, SEVERAL = "file", "[]"
NAMES = (FILE, "files", "image", "images", "photo", "photos", "upload")
"""Names of parts that are files, whether or not they say so; `[]` may follow, as PHP has it."""
ZIP = b"PK\3\4"
MOST_PARTS = 1024
LONGEST_HEADER, MOST_HEADERS = 64 * 1024, 64
"""Bytes of a header of a part, and headers: more than any client sends of its own accord."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of a form, and its name as the client has it, "" without one."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Form:
    """A form: its files, at least one, and (name, value) of its other parts, in the order sent."""

    files: Sequence[File]
    fields: Sequence[tuple[str, str]]


def read(body: bytes | memoryview, boundary: str) -> Form:
    """Return the files and the fields of a form.

    Names of files and other parameters of parts may be anything, in any charset: clients send them
    as their file system has them.

    Args:
        body: The form.
        boundary: What separates its parts, as the Content-Type says.

    Raises:
        MalformedBody: There is no boundary, or the body is not a form with it.
        InvalidValue: There is no file, or one in a part of another name.
        UnsupportedMediaType: The only file is a zip.
    """
    if not boundary:
        raise MalformedBody(
            "Content-Type: expected a boundary with multipart/form-data, received none"
        )
    form = Form(files := [], fields := [])
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
        for part in parser:
            name = _text(part.name)
            if name.removesuffix(SEVERAL) in NAMES:
                files.append(File(_text(part.filename or ""), part.raw))
            elif part.filename is None:
                fields.append((name, _decoded(part.raw)))
            else:
                raise InvalidValue(
                    f"body: expected files in parts named {', '.join(NAMES)}, received one in "
                    f"a part named {name[:40]}"
                )
    except MultipartError as error:
        raise MalformedBody(f"body: expected multipart/form-data, received: {error}") from error
    if len(files) == 1 and files[0].content.startswith(ZIP):
        raise UnsupportedMediaType(
            "form: expected photographs, received a zip archive; a zip is the body itself, with "
            "Content-Type: application/zip"
        )
    if not files:
        names = ", ".join(sorted({name[:40] for name, _ in fields})) or "none"
        raise InvalidValue(f"body: expected one or more parts named {FILE}, received {names}")
    return form


def _text(name: str) -> str:
    """Return a name that was taken for Latin-1 as the UTF-8 that it is."""
    return _decoded(name.encode("latin-1"))


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "replace")
