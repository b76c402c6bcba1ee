"""Newline-delimited JSON: a value a line, as application/x-ndjson has it."""

from collections.abc import Iterator
from typing import Any

import orjson

from service.api.codecs.json_errors import no_json
from service.errors import BodyTooLarge, MalformedBody

NDJSON = "application/x-ndjson"
TYPES = (NDJSON, "application/ndjson", "application/jsonl", "application/jsonlines")
"""Its media types: none is registered."""
LONGEST = 64 * 1024
"""Bytes of a line."""


class Lines:
    """The values of lines that come in pieces of any size."""

    def __init__(self) -> None:
        self._rest = b""
        self._count = 0

    def push(self, piece: bytes) -> Iterator[Any]:
        """Yield the values of lines that end in a piece.

        Raises:
            MalformedBody: A line is no JSON.
            BodyTooLarge: A line is too long.
        """
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            yield from self._value(line)
        self._check(self._rest)

    def end(self) -> Iterator[Any]:
        """Yield the value of the last line where no line break ends it. Raises as push() does."""
        rest, self._rest = self._rest, b""
        yield from self._value(rest)

    def _value(self, line: bytes) -> Iterator[Any]:
        self._check(line)
        if not line.strip():  # keeps a connection alive
            return
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise MalformedBody(
                f"rows[{self._count}]: expected JSON in a line, received: {no_json(error)}"
            ) from error
        self._count += 1
        yield value

    def _check(self, line: bytes) -> None:
        if len(line) > LONGEST:
            raise BodyTooLarge(
                f"rows[{self._count}]: expected a line of at most {LONGEST} bytes, received more"
            )


def line(value: Any) -> bytes:
    """Return a value as a line; numpy's numbers are numbers."""
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE)
