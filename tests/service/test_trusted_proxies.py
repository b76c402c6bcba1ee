"""Whose word of a client's address is believed, and paths where a proxy serves the service."""

import functools
import re
from pathlib import Path

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from service.access.identity import address_of
from service.cli import main
from service.server.server import _config
from service.settings import Settings
from tests.service.asgi import lifespan
from tests.service.job_requests import create, finished
from tests.service.tiny import Start

PROXY, CLIENT = "10.0.0.7", "203.0.113.9"


async def told(connection: str, headers: list[tuple[str, str]], trusted: str) -> tuple[str, str]:
    """Return the address and the scheme that the application behind the server sees.

    Args:
        connection: The address that a request comes from.
        headers: Those of the request.
        trusted: The setting.
    """
    seen = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append((address_of(scope), scope["scheme"]))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    settings = Settings(trusted_proxies=trusted)
    config = _config(settings, functools.partial(_given, application))
    config.load()
    transport = httpx.ASGITransport(config.loaded_app, client=(connection, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        assert (await client.get("/", headers=headers)).status_code == 204
    return seen[0]


def _given(application: ASGIApp) -> ASGIApp:
    return application


def forwarded(*addresses: str, scheme: str = "https") -> list[tuple[str, str]]:
    lines = [("X-Forwarded-For", each) for each in addresses]
    return [*lines, ("X-Forwarded-Proto", scheme)]


@pytest.mark.parametrize(
    ("connection", "headers", "trusted", "expected"),
    [
        (CLIENT, forwarded("198.51.100.1"), "", (CLIENT, "http")),
        (CLIENT, forwarded("198.51.100.1"), PROXY, (CLIENT, "http")),
        (PROXY, forwarded(CLIENT), PROXY, (CLIENT, "https")),
        (PROXY, forwarded(CLIENT), "192.0.2.1, 10.0.0.0/8", (CLIENT, "https")),
        (PROXY, forwarded(f"{CLIENT}:4711"), PROXY, (CLIENT, "https")),
        (PROXY, forwarded("2001:db8::1"), PROXY, ("2001:db8::1", "https")),
        ("fd00::7", forwarded(CLIENT), "fd00::/8", (CLIENT, "https")),
        # Through two proxies, the first of which a client tells what it likes.
        (PROXY, forwarded(f"198.51.100.1, {CLIENT}, 10.9.9.9"), "10.0.0.0/8", (CLIENT, "https")),
        (PROXY, forwarded("198.51.100.1", CLIENT), "10.0.0.0/8", (CLIENT, "https")),
        (PROXY, forwarded(CLIENT, scheme="gopher"), PROXY, (CLIENT, "http")),
        (PROXY, [("Forwarded", "for=198.51.100.1"), ("X-Real-IP", CLIENT)], PROXY, (PROXY, "http")),
    ],
)
async def test_trusted_proxies_alone_are_believed(
    connection: str, headers: list[tuple[str, str]], trusted: str, expected: tuple[str, str]
) -> None:
    assert await told(connection, headers, trusted) == expected


async def test_the_variable_of_uvicorn_makes_nobody_trusted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    assert await told(CLIENT, forwarded("198.51.100.1"), PROXY) == (CLIENT, "http")
    assert await told(CLIENT, forwarded("198.51.100.1"), "") == (CLIENT, "http")


@pytest.mark.parametrize("given", ["*", "10.0.0.7/8", "proxy.example", '["10.0.0.7"', "[1]", "{}"])
def test_what_is_no_address_of_a_proxy_is_refused(
    given: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SERVICE_TRUSTED_PROXIES", given)
    assert main(["serve"]) == 2
    said = capsys.readouterr().err
    assert re.search(
        r"SERVICE_TRUSTED_PROXIES \(--trusted-proxies\): expected addresses or networks .*received",
        said,
    )


def test_networks_are_listed_by_commas_or_as_json() -> None:
    for given in ("10.0.0.7 ,fd00::/8,", '["10.0.0.7", "fd00::/8"]'):
        settings = Settings(trusted_proxies=given)
        assert settings.trusted_proxies == ("10.0.0.7/32", "fd00::/8")


async def test_paths_of_jobs_and_of_the_document_begin_where_a_proxy_serves_the_service(
    start: Start, tmp_path: Path
) -> None:
    client = start(root_path="/photographs/", jobs_dir=str(tmp_path / "jobs"))
    document = (await client.get("/openapi.json")).json()
    assert document["servers"] == [{"url": "/photographs"}]
    async with lifespan(client):
        location = await create(client)
        assert re.fullmatch("/photographs/jobs/[0-9a-f]{32}", location)
        job = await finished(client, location.removeprefix("/photographs"))
    assert job["result"]["href"] == f"{location}/result"


@pytest.mark.parametrize("given", ["photographs", "//other.example", "/a b", "/../x?", "https://x"])
def test_what_is_no_path_is_refused(
    given: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SERVICE_ROOT_PATH", given)
    assert main(["serve"]) == 2
    assert "SERVICE_ROOT_PATH (--root-path): expected a path such as" in capsys.readouterr().err
