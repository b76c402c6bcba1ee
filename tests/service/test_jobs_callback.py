"""Callbacks: a real server is told of the end of a job, and no other."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from service.errors import CallbackForbidden, StartupError
from service.jobs import callback
from service.jobs.backend import open_folder
from service.jobs.callback import Callbacks
from service.jobs.store import Store
from tests.service.asgi import check_problem, lifespan
from tests.service.job_requests import ARRAY, create, finished
from tests.service.listener import Listener, heard, listening
from tests.service.tiny import Start


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as listener:
        yield listener


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


async def test_a_host_that_answers_byte_by_byte_is_given_up_and_holds_up_no_other(
    listener: Listener, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(callback, "PAUSES", ())
    monkeypatch.setattr(callback, "CALL_SECONDS", 0.5)
    calls = 2 * callback.AT_A_TIME

    async def trickle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            writer.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
            while True:  # no step takes long
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.02)

    server = await asyncio.start_server(trickle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    callbacks = Callbacks(f"127.0.0.1:{port},127.0.0.1:{listener.server_port}", "HOSTS")
    slow = [
        asyncio.create_task(callbacks.call(f"http://127.0.0.1:{port}/", b"{}", "slow"))
        for _ in range(calls)
    ]
    await asyncio.sleep(0.1)
    await callbacks.call(f"http://127.0.0.1:{listener.server_port}/quick", b"{}", "quick")
    assert [path for path, _, _ in listener.told] == ["/quick"]
    assert not any(task.done() for task in slow)
    async with asyncio.timeout(20):
        await asyncio.gather(*slow)
    assert caplog.text.count("slow was not told: expected a response within 0.5 s") == calls
    server.close()


async def test_a_callback_does_not_hold_up_the_stop(
    start: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    asked = asyncio.Event()

    async def keep_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(keep_silent, "127.0.0.1", 0)
    hosts = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    client = start(jobs_dir=str(tmp_path / "jobs"), jobs_callback_hosts=hosts)
    async with lifespan(client):
        path = await create(client, f"callback=http://{hosts}/")
        await asked.wait()
    assert "not told" not in caplog.text  # it was given up before its time was over
    store = Store(open_folder(tmp_path / "jobs"))
    entry = store.find(path.removeprefix("/jobs/"))
    assert entry is not None
    assert entry.end is not None
    assert not entry.called  # by the next process
    store.close()
    server.close()


async def test_a_host_that_the_settings_list_no_more_is_not_told(
    listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    await Callbacks("a.example", "HOSTS").call(
        f"http://127.0.0.1:{listener.server_port}/done", b"{}", "me"
    )
    assert "me was not told: callback: expected a host that HOSTS lists" in caplog.text
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


@pytest.mark.parametrize("hosts", ["http://a.example", "a.example/x", "u@a.example", "a:0", "a b"])
def test_a_setting_that_names_no_hosts_stops_the_start(hosts: str) -> None:
    with pytest.raises(StartupError, match="HOSTS: expected hosts"):
        Callbacks(hosts, "HOSTS")
