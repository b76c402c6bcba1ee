"""Requests with and without API keys: who may come in, and what they may do."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from service.access import keyring
from service.api.log_limit import MOST
from service.errors import StartupError
from service.settings import Settings
from tests.service.asgi import Caller, application_of, check_problem, lifespan
from tests.service.conftest import client_of
from tests.service.job_requests import ARRAY, finished
from tests.service.keys import Made, lines, made
from tests.service.scraping import reader, scrape
from tests.service.tiny import Start

BODY = {"inputs": [[[0.0] * 4] * 4]}
WEB, OTHER, OPS, PROMETHEUS = (
    made("web"),
    made("other"),
    made("ops", "infer", "control"),
    made("prometheus", "metrics"),
)
EXPIRED = made("past", expires=time.time() - 1)
KEYS = lines(WEB, OTHER, OPS, PROMETHEUS, EXPIRED)
LOAD = "/v2/repository/models/half.encode/load"
UNLOAD = "/v2/repository/models/half.encode/unload"


@pytest.fixture(scope="module")
async def client(
    tiny_models: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[httpx.AsyncClient]:
    jobs = tmp_path_factory.mktemp("jobs")
    client = client_of(tiny_models, port=0, api_keys=KEYS, jobs_dir=str(jobs))
    async with lifespan(client):
        yield client


@pytest.mark.parametrize(
    "path",
    [
        "/health/live",
        "/health/ready",
        "/v2/health/live",
        "/v2/health/ready",
        "/v2/models/half.encode/ready",
        "/v2/models/half.encode/versions/2/ready",
        "/",
        "/playground/client.js",
        "/docs",
        "/openapi.json",
    ],
)
async def test_probes_and_pages_are_open(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 200
    assert (await client.head(path, headers={"X-API-Key": "wrong"})).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/models",
        "/models/half",
        "/metrics",
        "/jobs/0",
        "/v2",
        "/v2/models/half.encode",
        "/nothing",
        "/health/live%0A",
        "/metrics%0A",
        "http://service//metrics",
        "/health/live/x",
    ],
)
async def test_all_else_needs_a_key(client: httpx.AsyncClient, path: str) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        answer = await client.request(method, path)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="autoencoder-service"'
    assert answer.headers["X-Request-Id"]


async def test_no_open_path_leads_elsewhere(client: httpx.AsyncClient) -> None:
    for path in ("/playground/%2e%2e/metrics", "/static-offline-docs/%2e%2e/%2e%2e/metrics"):
        assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {WEB.key}"},
        {"Authorization": f"bearer  {WEB.key}"},
        {"X-API-Key": WEB.key},
        {"X-API-Key": WEB.key, "Authorization": f"Bearer {WEB.key}"},
        {"X-API-Key": WEB.key, "Authorization": "Basic d2ViOng="},
    ],
)
async def test_a_key_is_sent_in_either_header(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    assert (await client.post("/encode", json=BODY, headers=headers)).status_code == 200
    assert (await client.get("/models", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([("X-API-Key", WEB.key), ("Authorization", f"Bearer {OTHER.key}")], "several that differ"),
        ([("X-API-Key", WEB.key), ("X-API-Key", OTHER.key)], "several that differ"),
        ([("Authorization", "Basic d2ViOng=")], "received another scheme"),
        ([("Authorization", "Bearer")], "that the service knows"),
        ([("X-API-Key", "")], "that the service knows"),
        ([("X-API-Key", f"{WEB.key[:-1]}ä")], "that the service knows"),
        ([("X-API-Key", "autoencoder_guessed")], "that the service knows"),
        ([("X-API-Key", EXPIRED.key)], "that of past which expired at 20"),
    ],
)
async def test_what_is_no_key_is_refused_and_not_repeated(
    client: httpx.AsyncClient, headers: list[tuple[str, str]], expected: str
) -> None:
    sent = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    answer = await client.post("/encode", json=BODY, headers=sent)
    assert expected in check_problem(answer, 401, "unauthenticated")
    assert "guessed" not in answer.text
    assert not any(each.key in answer.text for each in (WEB, OTHER, EXPIRED))


async def test_an_error_has_the_form_of_its_protocol(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v2/models/half.encode/infer", json={})
    assert answer.status_code == 401
    assert list(answer.json()) == ["error"]


async def test_a_key_may_do_what_its_scopes_say(client: httpx.AsyncClient) -> None:
    async def statuses(key: Made) -> list[int]:
        wanted = (("POST", "/encode"), ("GET", "/metrics"), ("POST", UNLOAD))
        answers = [
            await client.request(method, path, json=BODY if path == "/encode" else {}, headers=auth)
            for method, path in wanted
            for auth in [key.bearer]
        ]
        return [each.status_code for each in answers]

    assert await statuses(WEB) == [200, 403, 403]
    assert await statuses(PROMETHEUS) == [403, 200, 403]
    assert await statuses(OPS) == [200, 403, 200]
    assert (await client.post(LOAD, headers=OPS.bearer)).status_code == 200
    answer = await client.get("/metrics", headers=WEB.bearer)
    detail = check_problem(answer, 403, "forbidden")
    assert detail == (
        "API key: expected one with the scope metrics, received that of web with infer"
    )
    assert answer.headers["WWW-Authenticate"] == (
        'Bearer realm="autoencoder-service", error="insufficient_scope", scope="metrics"'
    )


async def test_nothing_of_a_body_is_read_before_its_sender_is_known(
    client: httpx.AsyncClient,
) -> None:
    refused = Caller(application_of(client), "POST", "/denoise", None)  # its body never comes
    assert json.loads(await refused.text())["code"] == "unauthenticated"


async def test_a_job_is_its_owners_and_that_of_whoever_controls(client: httpx.AsyncClient) -> None:
    created = await client.post("/jobs?operation=encode", json=ARRAY, headers=WEB.bearer)
    path = created.headers["Location"]
    unknown = await client.get(f"/jobs/{'0' * 32}", headers=OTHER.bearer)
    for method, suffix in (("GET", ""), ("GET", "/result"), ("GET", "/events"), ("DELETE", "")):
        refused = await client.request(method, path + suffix, headers=OTHER.bearer)
        detail = check_problem(refused, 404, "job-not-found")
        assert detail == unknown.json()["detail"].replace("0" * 32, created.json()["id"])
    assert (await finished(client, path, WEB.bearer))["state"] == "succeeded"
    events = await client.get(f"{path}/events", headers=WEB.bearer)
    assert "event: end" in events.text
    assert (await client.get(f"{path}/result", headers=WEB.bearer)).status_code == 200
    assert (await client.get(path, headers=OPS.bearer)).status_code == 200
    assert (await client.delete(path, headers=OPS.bearer)).status_code == 204


async def test_requests_without_a_key_cannot_fill_the_log(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    client = start(api_keys=KEYS)
    with caplog.at_level(logging.INFO, "service.requests"):
        for _ in range(2):
            caplog.clear()
            answers = [await client.get("/models") for _ in range(MOST + 5)]
            assert {each.status_code for each in answers} == {401}
            await asyncio.sleep(1.1)
            lines = [each for each in caplog.messages if " GET /models 401 in " in each]
            assert len(lines) == MOST
            # Services of other tests may say theirs at this time, too.
            assert (
                "5 further requests without a key that the service knows in 1 s" in caplog.messages
            )


async def test_logs_and_metrics_have_the_name_of_a_key_and_never_the_key(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    before = reader((await client.get("/metrics", headers=PROMETHEUS.bearer)).text)
    with caplog.at_level(logging.DEBUG, "service.requests"):
        await client.post("/encode", json=BODY, headers=WEB.bearer)
        await client.post("/encode", json=BODY, headers={"X-API-Key": OTHER.key + "x"})
        await client.post(UNLOAD, headers=WEB.bearer)
        created = await client.post("/jobs?operation=encode", json=ARRAY, headers=OTHER.bearer)
        await finished(client, created.headers["Location"], OTHER.bearer)
    used, unknown, forbidden, *_ = caplog.records
    assert "with the key of web" in used.getMessage()
    assert (used.levelname, used.__dict__["key"]) == ("DEBUG", "web")
    assert unknown.__dict__["code"] == "unauthenticated"
    assert unknown.levelname == "INFO"
    assert "key" not in unknown.__dict__
    assert (forbidden.__dict__["key"], forbidden.__dict__["code"]) == ("web", "forbidden")
    scraped = (await client.get("/metrics", headers=PROMETHEUS.bearer)).text
    assert not any(each.key in scraped + caplog.text for each in (WEB, OTHER))
    after = reader(scraped)

    def more(name: str, **labels: str) -> float:
        return (after(name, **labels) or 0) - (before(name, **labels) or 0)

    counted = "key_requests_total"
    assert more(counted, key="web", operation="encode", status="200") == 1
    assert more(counted, key="web", operation="access", status="403") == 1
    assert more("requests_total", operation="access", model="", status="401") == 1
    assert more(counted, key="other", operation="jobs", status="202") == 1
    assert more(counted, key="other", operation="encode", status="200") == 1  # which ran the job


async def test_without_keys_anybody_may_do_all(start: Start, tmp_path: Path) -> None:
    client = start(jobs_dir=str(tmp_path / "jobs"))
    async with lifespan(client):
        created = await client.post("/jobs?operation=encode", json=ARRAY)
        assert (await client.get(created.headers["Location"])).status_code == 200
        assert (await client.get("/metrics")).status_code == 200
        assert (await client.post(UNLOAD, headers={"X-API-Key": "x"})).status_code == 200


@pytest.mark.parametrize("keys", [KEYS, ""])
async def test_the_document_says_which_operation_needs_which_scope(start: Start, keys: str) -> None:
    document = (await start(api_keys=keys).get("/openapi.json")).json()
    assert set(document["components"]["securitySchemes"]) == {"bearer", "apiKey"}
    optional: list[dict[str, list[str]]] = [] if keys else [{}]
    for path, method, scope in (
        ("/encode", "post", "infer"),
        ("/metrics", "get", "metrics"),
        ("/v2/repository/models/{model}/load", "post", "control"),
    ):
        described = document["paths"][path][method]
        assert described["security"] == [{"bearer": [scope]}, {"apiKey": [scope]}, *optional]
        if keys:
            assert f"`{scope}`" in described["responses"]["403"]["description"]
            assert "WWW-Authenticate" in described["responses"]["401"]["headers"]
        else:
            assert "401" not in described["responses"]
    for path in ("/health/ready", "/v2/models/{model}/ready"):
        assert document["paths"][path]["get"]["security"] == []


def test_a_variable_that_names_no_file_sets_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_API_KEYS_FILE", "")
    assert not Settings().has_keys
    monkeypatch.setenv("SERVICE_API_KEYS_FILE", "keys")
    assert Settings().has_keys


def test_repository_control_is_on_beyond_loopback_where_keys_guard_it() -> None:
    assert not Settings(host="0.0.0.0").controls_repository
    assert Settings(host="0.0.0.0", api_keys=WEB.line).controls_repository
    assert not Settings(api_keys=WEB.line, repository_control=False).controls_repository


def test_a_service_whose_keys_cannot_be_read_does_not_start(start: Start, tmp_path: Path) -> None:
    with pytest.raises(StartupError, match=r"SERVICE_API_KEYS_FILE \(--api-keys-file\): expected"):
        start(api_keys_file=tmp_path / "none")


async def test_metrics_say_that_the_file_of_keys_cannot_be_read_again(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring, "LOOK_SECONDS", 0.01)
    (tmp_path / "keys").write_text(lines(PROMETHEUS))
    client = start(api_keys_file=tmp_path / "keys")
    client.headers.update(PROMETHEUS.bearer)

    async def until(stale: int) -> None:
        async with asyncio.timeout(30):
            while (await scrape(client))("api_keys_stale") != stale:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.01)

    async with lifespan(client):
        await until(0)
        for content, stale in (("nothing", 1), (lines(PROMETHEUS, WEB), 0)):
            (tmp_path / "keys").write_text(content)
            await until(stale)
