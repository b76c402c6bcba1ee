"""What there is no memory for anywhere else than in a model: a 503, and no other fault."""

import errno
import threading
import zlib

import httpx
import orjson
import pytest
from PIL import ImageFile
from starlette.types import Receive, Scope, Send

from service import threads
from service.api.middleware import RequestIdMiddleware
from service.errors import is_shortage
from service.images import pillow, png_decoder
from service.images.decode import read
from service.images.pillow import PixelDecoder
from service.server import buffered_reader
from service.server.http_protocol import Protocol
from service.server.limits import ConnectionLimits
from tests.service.asgi import check_problem
from tests.service.connected import problem, received, serving, until
from tests.service.photograph_requests import picture
from tests.service.tiny import Start
from tests.service.wire import LARGE, body_of, head, images

NO_BUFFER = "Not enough memory to allocate buffer for parsing"
"""What orjson says."""


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (MemoryError(), True),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), True),
        (RuntimeError("can't start new thread"), True),
        (zlib.error("Error -4 while decompressing data"), True),
        (orjson.JSONDecodeError(NO_BUFFER, "", 0), True),
        (orjson.JSONDecodeError("unexpected character", "", 0), False),
        (zlib.error("Error -3 while decompressing data: invalid code"), False),
        (OSError(errno.ENOSPC, "No space left on device"), False),
        (None, False),
    ],
)
def test_what_says_that_there_is_no_memory(error: Exception | None, is_one: bool) -> None:
    assert is_shortage(error) == is_one


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/encode?model=mirror", b'{"inputs": [[[1, "x"]]]}'),
        ("/score?model=mirror", b'{"rows": [{"x": 1}]}'),
        ("/v2/models/mirror.encode/infer", b'{"inputs": []}'),
    ],
)
async def test_json_without_memory_is_not_called_malformed(
    start: Start, monkeypatch: pytest.MonkeyPatch, path: str, body: bytes
) -> None:
    def loads(_: object) -> None:
        raise orjson.JSONDecodeError(NO_BUFFER, "", 0)

    client = start()
    monkeypatch.setattr(orjson, "loads", loads)
    answer = await client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)


async def test_a_decoder_without_memory_does_not_blame_the_picture(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "memory" in ImageFile.ERRORS[pillow.OUT_OF_MEMORY]

    class Short(PixelDecoder):
        def __init__(self, *args: object) -> None:
            super().__init__(*args)  # type: ignore[arg-type]
            self._decoder = self

        def decode(self, _: bytes) -> tuple[int, int]:
            return -1, pillow.OUT_OF_MEMORY

        def cleanup(self) -> None: ...

    client = start()
    monkeypatch.setattr(png_decoder, "PixelDecoder", Short)
    answer = await client.post("/denoise?model=photo", content=picture(40, 40))
    check_problem(answer, 503, "insufficient-memory")


def test_a_machine_at_its_limits_does_not_blame_the_picture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(png_decoder, "decode", full)
    with pytest.raises(OSError, match="Too many open files"):
        read(picture(8, 8), 1000)


async def test_a_request_of_the_framework_without_memory_may_be_sent_again() -> None:
    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise MemoryError

    transport = httpx.ASGITransport(RequestIdMiddleware(app))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.get("/jobs/1")
    check_problem(answer, 503, "insufficient-memory")
    assert answer.headers["Retry-After"] == "1"


@pytest.mark.parametrize("place", ["parsed", "called by the parser", "copied"])
async def test_what_there_is_no_memory_to_receive_is_no_bad_request(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def app(_scope: Scope, receive: Receive, _send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    def none(*_: object) -> bytes:
        raise MemoryError

    class Parser:
        feed_data = none

    async with serving(app, ConnectionLimits()) as server:
        if place == "called by the parser":
            monkeypatch.setattr(Protocol, "on_body", none)
        client = await server.connect()
        await until(lambda: bool(server.connections))
        if place == "copied":
            monkeypatch.setattr(buffered_reader, "bytes", none, raising=False)
        elif place == "parsed":
            for each in server.connections:
                each.parser = Parser()  # type: ignore[assignment]
        body = body_of(images(LARGE))
        client[1].write(head(len(body)) + body[:1000])
        assert "retry-after: 1" in problem(await received(client), 503, "insufficient-memory")


def test_no_thread_is_started_later(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with threads.started(3) as pool:
        monkeypatch.setattr(threading.Thread, "start", start)
        together = threading.Barrier(3)
        for each in [pool.submit(together.wait, 30) for _ in range(3)]:
            each.result()
