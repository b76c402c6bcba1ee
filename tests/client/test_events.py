"""Server-sent events, as the HTML Living Standard has them."""

import pytest

from service.client.events import Event, EventDecoder

STREAM = (
    '\ufeff: a comment\r\nevent: progress\r\ndata: {"a":\r\ndata:  \u2028}\r\nid: 7\r\n\r\n'
    "event: nothing\n\n"
    "data\rdata:x\r\r"
    "retry: 10\nevent: end\ndata: é\n\n"
    "data: never ended\n"
).encode()
EVENTS = [
    Event("progress", '{"a":\n \u2028}'),
    Event("message", "\nx"),
    Event("end", "é"),
]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_events_are_the_same_in_chunks_of_any_size(size: int) -> None:
    decoder = EventDecoder()
    chunks = [STREAM[start : start + size] for start in range(0, len(STREAM), size)]
    assert [event for chunk in chunks for event in decoder.feed(chunk)] == EVENTS
