"""Quotas of callers: requests and megapixels a minute, and what responses say of them."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from service.access.allowance import Allowance
from service.settings import Settings
from tests.service.asgi import Caller, application_of, check_problem, lifespan
from tests.service.conftest import client_of
from tests.service.job_requests import ARRAY, finished
from tests.service.keys import Made, lines, made
from tests.service.minutes import stopped
from tests.service.photograph_requests import as_npy, picture
from tests.service.scraping import scrape
from tests.service.tiny import Start
from tests.service.zip_files import unzipped, zipped

MEGAPIXEL = picture(1000, 1000, kind="JPEG")
METRICS = made("prometheus", "metrics")
POLICIES = '"requests";q=5;w=60, "megapixels";q=2;w=60;qu="megapixels"'


@pytest.fixture(autouse=True)
def _one_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no minute end during a test."""
    stopped(monkeypatch)


@pytest.fixture(scope="module")
def keys() -> dict[str, Made]:
    """Keys for one test each, and one without quotas."""
    names = ("few", "large", "arrays", "zips", "jobs", "protocol", "jobs in zips")
    found = {name: made(name.replace(" ", "-")) for name in names}
    found["free"] = made("free", allowance=Allowance(requests=0, megapixels=0))
    found["one"] = made("one", allowance=Allowance(requests=1))
    return found


@pytest.fixture(scope="module")
async def client(
    keys: dict[str, Made], tiny_models: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[httpx.AsyncClient]:
    client = client_of(
        tiny_models,
        port=0,
        api_keys=lines(*keys.values(), METRICS),
        jobs_dir=str(tmp_path_factory.mktemp("jobs")),
        rate_requests=5,
        rate_megapixels=2,
        default_picture="photo",
    )
    async with lifespan(client):
        yield client


async def test_requests_beyond_the_quota_are_refused_and_told_when_to_come(
    client: httpx.AsyncClient, keys: dict[str, Made]
) -> None:
    lefts = []
    for _ in range(5):
        answer = await client.post("/encode", json=ARRAY, headers=keys["few"].bearer)
        assert answer.status_code == 200
        assert answer.headers["RateLimit-Policy"] == POLICIES
        lefts.append(answer.headers["RateLimit"])
    assert lefts == [f'"requests";r={left};t=60' for left in (4, 3, 2, 1, 0)]
    answer = await client.get("/models", headers=keys["few"].bearer)
    detail = check_problem(answer, 429, "quota-exceeded")
    wait = answer.headers["Retry-After"]
    assert 1 <= int(wait) <= 120
    assert detail == (
        "requests: expected at most 5 a minute of the key few, received one more; "
        f"there is room in {wait} s"
    )
    assert answer.headers["RateLimit-Policy"] == POLICIES
    assert answer.headers["RateLimit"] == f'"requests";r=0;t={wait}'
    for other in ("free", "protocol"):
        assert (await client.get("/models", headers=keys[other].bearer)).status_code == 200


async def test_a_request_beyond_the_quota_is_refused_before_its_body(
    client: httpx.AsyncClient, keys: dict[str, Made]
) -> None:
    headers = keys["one"].bearer | {"Content-Length": "1000"}
    assert (await client.get("/models", headers=headers)).status_code == 200
    caller = Caller(application_of(client), "POST", "/encode", None, headers)
    await asyncio.wait_for(caller.task, 30)
    assert caller.status == 429


async def test_a_key_has_quotas_of_its_own_or_none(
    client: httpx.AsyncClient, keys: dict[str, Made]
) -> None:
    for _ in range(8):
        answer = await client.post("/encode", json=ARRAY, headers=keys["free"].bearer)
        assert answer.status_code == 200
        assert "RateLimit" not in answer.headers
        assert "RateLimit-Policy" not in answer.headers


async def test_errors_of_the_open_inference_protocol_keep_its_form(
    client: httpx.AsyncClient, keys: dict[str, Made]
) -> None:
    for _ in range(5):
        answer = await client.get("/v2", headers=keys["protocol"].bearer)
    answer = await client.post("/v2/models/half/infer", json={}, headers=keys["protocol"].bearer)
    assert answer.status_code == 429
    assert set(answer.json()) == {"error"}


async def test_photographs_beyond_the_quota_are_refused_by_what_their_headers_declare(
    client: httpx.AsyncClient, keys: dict[str, Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = await client.post("/denoise", content=MEGAPIXEL, headers=keys["large"].bearer)
    assert answer.status_code == 200
    assert answer.headers["RateLimit"] == '"requests";r=4;t=60, "megapixels";r=1;t=60'
    cut = picture(1200, 1200)[:1000]  # the rest would be a 400
    answer = await client.post("/denoise", content=cut, headers=keys["large"].bearer)
    detail = check_problem(answer, 429, "quota-exceeded")
    wait = answer.headers["Retry-After"]
    assert detail == (
        "photographs: expected at most 2 megapixels a minute of the key large, received 1.440 "
        f"while 1.000 are left; there is room in {wait} s"
    )
    assert answer.headers["RateLimit"] == f'"megapixels";r=1;t={wait}'
    cut = picture(2000, 1001)[:1000]
    answer = await client.post("/denoise", content=cut, headers=keys["large"].bearer)
    detail = check_problem(answer, 413, "body-too-large")
    assert "at most 2 megapixels, the quota a minute of the key large, received 2.002" in detail
    assert "Retry-After" not in answer.headers


async def test_photographs_in_arrays_count_too(
    client: httpx.AsyncClient, keys: dict[str, Made]
) -> None:
    import numpy as np

    array = as_npy(np.zeros((1, 1200, 1200, 3), np.uint8))
    headers = keys["arrays"].bearer | {"Content-Type": "application/x-npy"}
    statuses = [
        (await client.post("/denoise?model=photo", content=array, headers=headers)).status_code
        for _ in range(2)
    ]
    assert statuses == [200, 429]


async def test_of_several_photographs_those_beyond_the_quota_fail_alone(
    client: httpx.AsyncClient, keys: dict[str, Made]
) -> None:
    files = {f"{number}.jpg": MEGAPIXEL for number in range(3)}
    sent = zipped(files)
    answer = await client.post("/denoise", content=sent, headers=keys["zips"].bearer)
    entries, listed = unzipped(answer)
    assert [each["status"] for each in listed] == [200, 200, 429]
    assert listed[2]["code"] == "quota-exceeded"
    assert len(entries) == 2
    answer = await client.post("/denoise", content=sent, headers=keys["zips"].bearer)
    check_problem(answer, 429, "quota-exceeded")  # of which nothing would be done


async def test_the_photographs_of_a_job_count_when_it_is_submitted_and_only_then(
    client: httpx.AsyncClient, keys: dict[str, Made]
) -> None:
    headers = keys["jobs"].bearer
    answer = await client.post("/jobs", content=MEGAPIXEL, headers=headers)
    assert answer.status_code == 202
    assert answer.headers["RateLimit"] == '"requests";r=4;t=60, "megapixels";r=1;t=60'
    path = answer.headers["Location"]
    assert (await finished(client, path, headers))["state"] == "succeeded"
    refused = await client.post("/jobs", content=picture(1100, 1000), headers=headers)
    check_problem(refused, 429, "quota-exceeded")
    answer = await client.post("/jobs", content=MEGAPIXEL, headers=headers)
    assert answer.status_code == 202
    for each in (path, answer.headers["Location"]):
        assert (await client.delete(each, headers=headers)).status_code < 300


async def test_the_photographs_of_a_zip_count_together_when_it_is_submitted(
    client: httpx.AsyncClient, keys: dict[str, Made]
) -> None:
    sent = zipped({f"{number}.jpg": MEGAPIXEL for number in range(2)} | {"notes.txt": b"none"})
    headers = keys["jobs in zips"].bearer
    answer = await client.post("/jobs", content=sent, headers=headers)
    assert answer.status_code == 202
    assert answer.headers["RateLimit"] == '"requests";r=4;t=60, "megapixels";r=0;t=60'
    document = await finished(client, answer.headers["Location"], headers)
    assert document["state"] == "succeeded"


async def test_refusals_are_counted_by_key_and_apart_from_those_of_a_full_queue(
    start: Start,
) -> None:
    key = made("web", allowance=Allowance(requests=1))
    client = start(api_keys=lines(key, METRICS))
    for status in (200, 429, 429):
        assert (await client.get("/models", headers=key.bearer)).status_code == status
    client.headers = httpx.Headers(METRICS.bearer)
    value = await scrape(client)
    assert value("quota_refused_total", key="web", policy="requests") == 2
    assert value("key_requests_total", key="web", operation="quota", status="429") == 2
    assert value("errors_total", operation="quota", code="quota-exceeded") == 2
    assert value("rejected_total") == 0
    assert value("quota_store_errors_total") == 0


async def test_without_keys_quotas_are_those_of_addresses(start: Start) -> None:
    client = start(rate_requests=2)
    app = application_of(client)

    async def statuses(*addresses: str) -> list[int]:
        return [await status_of(app, address) for address in addresses]

    assert await statuses("10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.2") == [200, 200, 429, 200]
    assert await statuses("2001:db8::1", "2001:db8::2:1", "2001:db8::ffff:0:0:1") == [200, 200, 429]
    assert await statuses("2001:db8:0:1::1", "::ffff:10.0.0.1", "::ffff:10.0.0.2") == [
        200,
        429,
        200,
    ]


async def status_of(app: object, address: str) -> int:
    transport = httpx.ASGITransport(app, client=(address, 1))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        answer = await client.get("/models")
    if answer.status_code == 429:
        block = re.search(r"of the address (\S+), received", answer.json()["detail"])
        assert block
        assert block[1] in ("10.0.0.1", "2001:db8::/64")
    return answer.status_code


async def test_probes_pages_metrics_and_the_state_of_jobs_do_not_count(start: Start) -> None:
    client = start(rate_requests=1)
    for path in ("/health/ready", "/v2/health/live", "/", "/docs", "/metrics", "/openapi.json"):
        answer = await client.get(path)
        assert answer.status_code == 200, path
        assert "RateLimit" not in answer.headers
    for path in ("/jobs/0", "/jobs/0/events", "/jobs/0/result"):
        assert (await client.get(path)).status_code in (404, 501)
    assert (await client.get("/models")).status_code == 200
    assert (await client.get("/models")).status_code == 429
    assert (await client.get("/health/ready")).status_code == 200


async def test_quotas_of_keys_change_without_a_restart(start: Start, tmp_path: Path) -> None:
    key = made("web", allowance=Allowance(requests=1))
    file = tmp_path / "keys"
    file.write_text(lines(key))
    file.chmod(0o600)
    client = start(api_keys_file=file)
    client.headers = httpx.Headers(key.bearer)
    async with lifespan(client):
        assert (await client.get("/models")).status_code == 200
        assert (await client.get("/models")).status_code == 429
        file.write_text(lines(key).replace("requests-per-minute=1", "requests-per-minute=3"))
        async with asyncio.timeout(20):
            # What is waited for is not told.
            while (answer := await client.get("/models")).status_code == 429:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    assert answer.headers["RateLimit-Policy"] == '"requests";q=3;w=60'


def test_quotas_are_off_by_default() -> None:
    settings = Settings()
    assert (settings.rate_requests, settings.rate_megapixels, settings.rate_url) == (0, 0, None)
