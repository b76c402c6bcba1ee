"""Server-sent events, from the bytes of a stream (HTML Living Standard, section 9.2.6)."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

MEDIA_TYPE = "text/event-stream"
# Not splitlines(): JSON may have other separators of lines in its texts.
LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Event:
    """An event: its type, "message" where it has none, and its data."""

    name: str
    data: str


@dataclass(slots=True)
class EventDecoder:
    """Decodes a stream that comes in chunks of any size."""

    _decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8-sig")("replace")
    )
    _rest: str = ""
    _after_return: bool = False
    _name: str = ""
    _data: list[str] = field(default_factory=list)

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """Yield the events that a chunk completes."""
        text = self._decoder.decode(chunk)
        if not text:
            return
        if self._after_return:  # the line feed of a line end that two chunks share
            text = text.removeprefix("\n")
        self._after_return = text.endswith("\r")
        *lines, self._rest = LINE_END.split(self._rest + text)
        for line in lines:
            if line:
                self._take(line)
            elif event := self._dispatched():
                yield event

    def _take(self, line: str) -> None:
        name, _, value = line.partition(":")  # a comment has no name
        value = value.removeprefix(" ")
        if name == "event":
            self._name = value
        elif name == "data":
            self._data.append(value)

    def _dispatched(self) -> Event | None:
        event = Event(self._name or "message", "\n".join(self._data)) if self._data else None
        self._name, self._data = "", []
        return event
