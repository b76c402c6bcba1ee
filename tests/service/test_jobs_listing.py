"""GET /jobs: whose jobs are listed to whom, in which order, in pages, in both stores."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.client import AsyncClient, Client, errors
from service.errors import InvalidValue
from service.jobs.listing import page
from service.jobs.record import Entry, Job
from tests.client.scripted import answer, scripted
from tests.service.asgi import check_problem, lifespan
from tests.service.conftest import client_of
from tests.service.job_requests import create, finished, picture
from tests.service.keys import lines, made
from tests.service.redis_server import redis_in

WEB, OTHER, OPS = made("web"), made("other"), made("ops", "infer", "control")
BROKEN = {"content": picture()[:-40]}


@pytest.fixture(scope="module", params=["folder", "Redis"])
def stored(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """The settings of a store."""
    folder = tmp_path_factory.mktemp("jobs")
    if request.param == "folder":
        yield {"jobs_dir": str(folder)}
        return
    with redis_in(folder) as url:
        yield {"jobs_url": url}


@pytest.fixture(scope="module")
async def client(tiny_models: Path, stored: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    client = client_of(tiny_models, port=0, api_keys=lines(WEB, OTHER, OPS), **stored)
    async with lifespan(client):
        yield client
    await client.aclose()


@pytest.fixture(scope="module")
async def jobs(client: httpx.AsyncClient) -> list[str]:
    """Ids of jobs that have ended, in the order in which they were created.

    Those of `web` succeeded and failed, that of `other` succeeded.
    """
    paths = []
    for key, more in ((WEB, {}), (OTHER, {}), (WEB, BROKEN), (WEB, {})):
        body: dict[str, Any] = more or {"json": {"inputs": [[[0.5] * 4] * 4]}}
        query = "model=photo" if more else ""
        paths.append(await create(client, query, **body, headers=key.bearer))
        await finished(client, paths[-1], key.bearer)
    return [path.removeprefix("/jobs/") for path in paths]


async def listed(client: httpx.AsyncClient, headers: dict[str, str], query: str = "") -> Any:
    answered = await client.get(f"/jobs?{query}", headers=headers)
    assert answered.status_code == 200, answered.text
    assert answered.headers["cache-control"] == "no-store"
    return answered.json()


def ids(document: Any) -> list[str]:
    return [each["id"] for each in document["jobs"]]


async def test_a_key_lists_its_own_jobs_and_control_all_of_them(
    client: httpx.AsyncClient, jobs: list[str]
) -> None:
    own = await listed(client, WEB.bearer)
    assert ids(own) == [jobs[3], jobs[2], jobs[0]]
    assert own["next"] is None
    alone = await client.get(f"/jobs/{jobs[3]}", headers=WEB.bearer)
    assert own["jobs"][0] == alone.json()
    assert ids(await listed(client, OTHER.bearer)) == [jobs[1]]
    every = await listed(client, OPS.bearer)
    assert ids(every) == jobs[::-1]
    assert [each["owner"] for each in every["jobs"]] == ["web", "web", "other", "web"]


async def test_jobs_are_listed_by_state(client: httpx.AsyncClient, jobs: list[str]) -> None:
    assert ids(await listed(client, OPS.bearer, "state=failed")) == [jobs[2]]
    assert ids(await listed(client, OPS.bearer, "state=queued,running")) == []
    both = await listed(client, WEB.bearer, "state=failed,succeeded")
    assert ids(both) == [jobs[3], jobs[2], jobs[0]]


async def test_pages_follow_one_another(client: httpx.AsyncClient, jobs: list[str]) -> None:
    first = await listed(client, OPS.bearer, "limit=3")
    assert ids(first) == jobs[:0:-1]
    second = await listed(client, OPS.bearer, f"limit=3&cursor={first['next']}")
    assert ids(second) == [jobs[0]]
    assert second["next"] is None


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("state=done", "state: expected some of queued,running"),
        ("state=", "state: expected a value"),
        ("limit=0", "limit: expected at least 1"),
        ("limit=1001", "limit: expected at most 1000"),
        ("cursor=next", "cursor: expected what the page before has as next"),
        ("page=2", "expected one of state, limit, cursor, received 'page'"),
        ("limit=1&limit=2", "limit: expected one value"),
    ],
)
async def test_a_bad_parameter_is_explained(
    client: httpx.AsyncClient, query: str, told: str
) -> None:
    refused = await client.get(f"/jobs?{query}", headers=WEB.bearer)
    assert told in check_problem(refused, 422, "invalid-value")


async def test_without_keys_nobody_lists_jobs_which_their_ids_protect(
    tiny_models: Path, tmp_path: Path
) -> None:
    client = client_of(tiny_models, port=0, jobs_dir=str(tmp_path / "jobs"))
    check_problem(await client.get("/jobs"), 403, "listing-forbidden")
    await client.aclose()


async def test_the_client_lists_jobs_and_cancels_what_it_lists(
    client: httpx.AsyncClient, jobs: list[str]
) -> None:
    key = OPS.key
    async with AsyncClient("http://service", http=client, api_key=key) as operator:
        found = [each async for each in operator.jobs("failed", "succeeded")]
        assert [each.id for each in found] == jobs[::-1]
        assert [each.status.owner for each in found] == ["web", "web", "other", "web"]
        path = await create(client, json={"inputs": [[[0.5] * 4] * 4]}, headers=OTHER.bearer)
        await finished(client, path, OTHER.bearer)
        newest = await anext(operator.jobs())
        assert newest.id == path.removeprefix("/jobs/")
        await newest.cancel()
        assert [each.id async for each in operator.jobs()] == jobs[::-1]


def test_the_blocking_client_follows_the_pages() -> None:
    job = '{"id": "%s", "state": "failed", "operation": "denoise"}'
    pages = [
        f'{{"jobs": [{job % "b"}], "next": "17-a"}}'.encode(),
        f'{{"jobs": [{job % "a"}], "next": null}}'.encode(),
    ]
    answers = [answer("200 OK", each) for each in pages]
    with scripted(answers) as server, Client(server.url) as client:
        assert [each.id for each in client.jobs("failed")] == ["b", "a"]
    targets = [head.split()[1] for head in server.heads]
    assert targets == ["/jobs?state=failed", "/jobs?state=failed&cursor=17-a"]
    unexpected = pytest.raises(errors.UnexpectedResponse, match="expected jobs, received")
    with scripted([answer("200 OK", b"[]")]) as server, Client(server.url) as client, unexpected:
        next(client.jobs())


def entry(number: int, created: float) -> Entry:
    return Entry(Job(f"{number:032x}", "denoise", "", [], 0, created, "id"))


def test_jobs_of_one_moment_are_on_one_page_each_whatever_goes_meanwhile() -> None:
    entries = [entry(number, 1796000000.1234567) for number in range(5)]
    first = page(entries, 2)
    assert [each.job.id[-1] for each in first.entries] == ["4", "3"]
    left = [each for each in entries if each is not first.entries[-1]]
    left.append(entry(9, 1796000001.0))
    second = page(left, 2, first.cursor)
    assert [each.job.id[-1] for each in second.entries] == ["2", "1"]
    third = page(left, 2, second.cursor)
    assert ([each.job.id[-1] for each in third.entries], third.cursor) == (["0"], "")
    with pytest.raises(InvalidValue, match="cursor: expected"):
        page(entries, 2, f"{first.cursor}0")
