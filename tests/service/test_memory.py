"""Requests for which there is no memory, which others need not notice."""

import asyncio
import io
import json
import math
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import onnxruntime
import pytest

from tests.service.asgi import check_problem
from tests.service.photograph_requests import picture
from tests.service.tiny import Start
from tests.service.zip_files import zipped


class Limited(onnxruntime.InferenceSession):  # type: ignore[misc]
    """A session that finds no memory for large inputs, and says it as ONNX Runtime does."""

    most = math.inf
    """Numbers of the inputs for which there is memory."""

    def run(self, names: list[str], feed: dict[str, Any]) -> Any:
        if next(iter(feed.values())).size > self.most:
            raise RuntimeError("Failed to allocate memory for requested buffer of size 24576000")
        return super().run(names, feed)


@pytest.fixture
def client(start: Start, monkeypatch: pytest.MonkeyPatch) -> httpx.AsyncClient:
    monkeypatch.setattr(onnxruntime, "InferenceSession", Limited)
    client = start()  # whose graphs have run once by now
    monkeypatch.setattr(Limited, "most", 3 * 100 * 100)
    return client


async def test_a_request_without_memory_may_be_sent_again(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await client.post("/denoise?model=photo", content=picture(200, 200))
    detail = check_problem(answer, 503, "insufficient-memory")
    assert detail == "memory: expected as much as the request takes, received less"
    assert int(answer.headers["Retry-After"]) >= 1
    assert "not enough memory: denoise.onnx: Failed to allocate" in caplog.text
    assert (await client.post("/denoise?model=photo", content=picture(40, 40))).is_success


async def test_a_photograph_without_memory_fails_alone(client: httpx.AsyncClient) -> None:
    packed = zipped({"a.png": picture(200, 200), "b.png": picture(40, 40)})
    headers = {"Content-Type": "application/zip"}
    answer = await client.post("/denoise?model=photo", content=packed, headers=headers)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        first, second = json.loads(archive.read("manifest.json"))["photographs"]
    assert (first["status"], first["code"]) == (503, "insufficient-memory")
    assert second["status"] == 200


async def test_a_request_without_a_thread_may_be_sent_again(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as unstarted:
        monkeypatch.setattr(loop, "_default_executor", unstarted)
        answer = await client.post("/denoise?model=photo", content=picture(40, 40))
    check_problem(answer, 503, "insufficient-memory")
