"""Callbacks: a real server is told of the end of a job, and no other."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest

from service.errors import CallbackForbidden
from service.jobs import callback
from service.jobs.callback import Callbacks
from tests.service.asgi import check_problem, lifespan
from tests.service.test_jobs import ARRAY, create, finished
from tests.service.tiny import Start


class Listener(HTTPServer):
    """Keeps what it is told, and answers with one status after another, the last for ever."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.told: list[tuple[str, dict[str, str], dict[str, object]]] = []
        self.statuses = [204]
        self.heard = threading.Semaphore(0)


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, Listener)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server.told.append((self.path, dict(self.headers), body))
        status = server.statuses.pop(0) if len(server.statuses) > 1 else server.statuses[0]
        self.send_response(status)
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        server.heard.release()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def client(start: Start, listener: Listener, tmp_path: Path) -> httpx.AsyncClient:
    hosts = f"a.example, 127.0.0.1:{listener.server_port}"
    return start(jobs_dir=str(tmp_path / "jobs"), jobs_callback_hosts=hosts)


async def test_a_callback_gets_the_document_once_the_job_has_finished(
    client: httpx.AsyncClient, listener: Listener
) -> None:
    async with lifespan(client):
        url = f"http://127.0.0.1:{listener.server_port}/done?key=1"
        path = await create(client, f"callback={url}", json=ARRAY, headers={"X-Request-Id": "me"})
        document = await finished(client, path)
        assert await heard(listener)
    [(target, headers, body)] = listener.told
    assert target == "/done?key=1"
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Request-Id"] == "me"
    assert body == document


async def test_a_callback_is_tried_three_times_and_no_redirect_is_followed(
    client: httpx.AsyncClient, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callback, "PAUSES", (0.01, 0.01))
    listener.statuses = [500, 302, 500]
    async with lifespan(client):
        url = f"http://127.0.0.1:{listener.server_port}/done"
        await finished(client, await create(client, f"callback={url}"))
        for _ in range(3):
            assert await heard(listener)
    assert [path for path, _, _ in listener.told] == ["/done"] * 3


async def test_a_callback_to_another_host_is_refused(
    client: httpx.AsyncClient, listener: Listener
) -> None:
    url = f"http://localhost:{listener.server_port}/done"
    detail = check_problem(
        await client.post(f"/jobs?callback={url}", json=ARRAY), 403, "callback-forbidden"
    )
    assert "SERVICE_JOBS_CALLBACK_HOSTS" in detail
    assert not listener.told


@pytest.mark.parametrize(
    ("url", "is_allowed"),
    [
        ("https://a.example/x", True),
        ("http://A.example", True),
        ("https://a.example:443/", True),
        ("https://a.example:8443/", False),
        ("https://b.example:8443/", True),
        ("https://b.example/", False),
        ("https://x.a.example/", False),
        ("http://[::1]:80/", True),
        ("http://[::2]/", False),
    ],
)
def test_hosts_are_matched_exactly(url: str, is_allowed: bool) -> None:
    callbacks = Callbacks("a.example, b.example:8443,[::1]", "HOSTS")
    if is_allowed:
        callbacks.check(url)
    else:
        with pytest.raises(CallbackForbidden, match="HOSTS"):
            callbacks.check(url)


async def heard(listener: Listener) -> bool:
    return await asyncio.to_thread(listener.heard.acquire, timeout=10)
