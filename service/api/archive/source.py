"""A file that a client sent together with others."""

import time
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Protocol

from service.api.body import Body
from service.api.codecs.multipart import File, Form


class Modified(NamedTuple):
    """When a file was modified, in local time, as zip archives have it."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int


class Read(Protocol):
    """Returns the content of a file, in a thread."""

    def __call__(self, most: int | None = None, /) -> Body:
        """Return the first bytes, `most` at least where there are as many; None for all.

        Raises:
            ServiceError: There are none to be had.
        """
        ...


@dataclass(frozen=True, slots=True)
class Source:
    """A file that a client sent together with others.

    Attributes:
        name: Its name as the client gave it, of any characters.
        read: Returns its content.
        modified: When it was modified.
    """

    name: str
    read: Read
    modified: Modified


def of_form(form: Form) -> list[Source]:
    """Return the files of a form; those without a name get a number."""
    modified = now()
    return [
        Source(file.name or f"photograph-{number}", partial(_content, file), modified)
        for number, file in enumerate(form.files, 1)
    ]


def _content(file: File, _most: int | None = None) -> Body:
    return file.content


def now() -> Modified:
    """Return the present, as the time of a file that has none, in the years that a zip can hold."""
    year, *rest = time.localtime()[:6]
    return Modified(min(max(year, 1980), 2107), *rest)
