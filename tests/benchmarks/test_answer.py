import pytest

from benchmarks.answer import Answer

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\ncontent-length: 5\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
    b"5\r\nhello\r\n10;note=1\r\n0\r\n\r\n and no end\r\n0\r\n\r\n"
)
EMPTY = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nX: 1\r\n\r\n"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(
    ("text", "status", "body"),
    [
        (PLAIN, 200, b"hello"),
        (CHUNKED, 200, b"hello0\r\n\r\n and no end"),
        (EMPTY, 500, b""),
    ],
)
def test_an_answer_is_whole_with_its_last_byte_however_it_comes(
    text: bytes, status: int, body: bytes, size: int
) -> None:
    answer = Answer()
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    assert [answer.feed(piece) for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert (answer.status, answer.body()) == (status, body)


def test_the_head_says_when_to_come_again_and_whether_the_connection_closes() -> None:
    answer = Answer()
    assert answer.feed(
        b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nCONNECTION: Close\r\n"
        b"content-length: 0\r\n\r\n"
    )
    assert (answer.status, answer.retry_after, answer.closes) == (429, 7.0, True)


def test_a_head_that_says_nothing_of_it_keeps_the_connection() -> None:
    answer = Answer()
    assert answer.feed(PLAIN)
    assert (answer.retry_after, answer.closes) == (0.0, False)


@pytest.mark.parametrize(
    "text",
    [
        b"HTTP/1.1 200 OK\r\n\r\nuntil it closes",
        b"HTTP/1.1 two OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nlong\r\n",
        PLAIN + b"HTTP/1.1 200 OK",
    ],
)
def test_what_is_no_answer_of_known_length_is_an_error(text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - int() says some of them
        Answer().feed(text)
