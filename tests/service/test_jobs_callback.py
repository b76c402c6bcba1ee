"""Callbacks: a real server is told of the end of a job, and no other."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from service.errors import CallbackForbidden, StartupError
from service.jobs import callback
from service.jobs.callback import Callbacks
from tests.service.asgi import check_problem, lifespan
from tests.service.listener import Listener, heard, listening
from tests.service.test_jobs import ARRAY, create, finished
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
