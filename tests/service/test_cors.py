"""Pages of other origins: which of them may read responses, and which may change state."""

from pathlib import Path

import httpx
import pytest

from service.cli import main
from service.errors import StartupError
from service.server.security_headers import security_headers
from service.settings import Settings
from tests.service.asgi import check_problem
from tests.service.job_requests import ARRAY
from tests.service.keys import made
from tests.service.tiny import Start

APP, ELSEWHERE = "https://app.example", "https://elsewhere.example"
WEB = made("web")
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,x-request-id",
}


@pytest.fixture
def client(start: Start, tmp_path: Path) -> httpx.AsyncClient:
    """A service with keys, and two origins whose pages may use it."""
    return start(
        jobs_dir=str(tmp_path / "jobs"),
        api_keys=WEB.line,
        cors_origins=f"{APP}, http://localhost:3000",
    )


def allowed(answer: httpx.Response) -> str | None:
    origin: str | None = answer.headers.get("Access-Control-Allow-Origin")
    return origin


async def test_without_the_setting_no_page_of_another_origin_reads_anything(start: Start) -> None:
    client = start()
    answer = await client.options("/encode", headers={"Origin": APP, **PREFLIGHT})
    assert (answer.status_code, allowed(answer)) == (405, None)
    answer = await client.get("/models", headers={"Origin": APP})
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_a_page_of_a_listed_origin_may_ask_and_needs_no_key_for_that(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.options("/jobs", headers={"Origin": APP, **PREFLIGHT})
    assert (answer.status_code, allowed(answer)) == (200, APP)
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert answer.headers["X-Request-Id"]
    refused = await client.options("/jobs", headers={"Origin": ELSEWHERE, **PREFLIGHT})
    assert (refused.status_code, allowed(refused)) == (400, None)


async def test_a_listed_page_reads_responses_errors_and_their_headers(
    client: httpx.AsyncClient,
) -> None:
    origin = {"Origin": APP}
    answer = await client.post("/encode", json=ARRAY, headers=origin | WEB.bearer)
    assert (answer.status_code, allowed(answer)) == (200, APP)
    assert "Origin" in answer.headers["Vary"]
    exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"X-Request-Id", "X-Model", "Retry-After", "Server-Timing", "Location"} <= set(exposed)
    refused = await client.post("/encode", json=ARRAY, headers=origin)
    check_problem(refused, 401, "unauthenticated")
    assert allowed(refused) == APP
    assert allowed(await client.get("/models", headers={"Origin": ELSEWHERE})) is None


@pytest.mark.parametrize("site", [{}, {"Sec-Fetch-Site": "cross-site"}])
async def test_a_page_that_may_read_may_also_change_state_and_no_other(
    client: httpx.AsyncClient, site: dict[str, str]
) -> None:
    for origin in (APP, "http://localhost:3000"):
        sent = {"Origin": origin, **site, **WEB.bearer}
        created = await client.post("/jobs", json=ARRAY, headers=sent)
        assert created.status_code == 202
        deleted = await client.delete(created.headers["Location"], headers=sent)
        assert deleted.status_code == 204
    for origin in (ELSEWHERE, "null", f"{APP}:444", f"{APP}.elsewhere.example"):
        sent = {"Origin": origin, **site, **WEB.bearer}
        refused = await client.post("/jobs", json=ARRAY, headers=sent)
        check_problem(refused, 403, "cross-origin-forbidden")


async def test_any_page_may_use_a_service_with_keys_that_says_so(start: Start) -> None:
    client = start(api_keys=WEB.line, cors_origins="*")
    answer = await client.get("/models", headers={"Origin": ELSEWHERE, **WEB.bearer})
    assert (answer.status_code, allowed(answer)) == (200, "*")
    load = "/v2/repository/models/half.encode/load"
    control = made("ops", "control")
    client = start(api_keys=control.line, cors_origins="*")
    sent = {"Origin": ELSEWHERE, "Sec-Fetch-Site": "cross-site", **control.bearer}
    assert (await client.post(load, headers=sent)).status_code == 200


def test_without_keys_pages_are_listed_by_name(start: Start) -> None:
    with pytest.raises(StartupError, match="expected origins by name"):
        start(cors_origins="*")


@pytest.mark.parametrize(
    "given",
    [
        "app.example",
        "https://app.example/",
        "https://App.example",
        "*,https://app.example",
        "null",
        "ftp://app.example",
        '["https://app.example',
        "[1]",
        '{"a": 1}',
    ],
)
def test_what_is_no_origin_is_explained(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    monkeypatch.setenv("SERVICE_CORS_ORIGINS", given)
    assert main(["doctor"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("SERVICE_CORS_ORIGINS (--cors-origins): expected origins such as")


@pytest.mark.parametrize("given", ["", "https://a.example,http://[::1]:80", '["http://b:1"]'])
def test_origins_are_listed_by_commas_or_in_json(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv("SERVICE_CORS_ORIGINS", given)
    expected = {
        "": (),
        "https://a.example,http://[::1]:80": ("https://a.example", "http://[::1]:80"),
        '["http://b:1"]': ("http://b:1",),
    }
    assert Settings().cors_origins == expected[given]


def test_pages_may_embed_responses_where_they_may_read_them() -> None:
    for is_shared, policy in ((False, "same-origin"), (True, "cross-origin")):
        assert ("cross-origin-resource-policy", policy) in security_headers(is_shared=is_shared)
