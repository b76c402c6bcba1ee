"""Replicas that are each the whole service: two, killed, replaced by others, and too busy."""

import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest

from service.client import Client
from tests.ray.conftest import NEEDS_RAY, Deploy
from tests.ray.contract import compare
from tests.ray.load import CLIENTS, HALF, IMAGES, check, loaded
from tests.ray.replicas import kill_one, replicas, wait_for
from tests.service.redis_server import redis_in
from tests.service.tiny import write_model

pytest.importorskip("ray", reason=NEEDS_RAY)

TWO = {"Service": {"num_replicas": 2}}


@pytest.fixture(scope="module")
def client(deploy: Deploy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Of two replicas, which share jobs."""
    with redis_in(tmp_path_factory.mktemp("redis")) as jobs:
        yield deploy(TWO, timeout=10.0, jobs_url=jobs)


async def test_answers_are_those_of_the_service_alone(
    client: httpx.Client, tiny_models: Path
) -> None:
    await compare(client, tiny_models)


def test_a_request_has_one_id_whichever_it_sends(client: httpx.Client) -> None:
    for sent in ("mine", "none that is usable"):
        response = client.post("/encode", json=IMAGES, headers={"X-Request-Id": sent})
        (received,) = response.headers.get_list("x-request-id")
        assert (received == sent) is (sent == "mine")


def test_jobs_are_those_of_all_replicas(client: httpx.Client) -> None:
    jobs = [client.post("/jobs", json=IMAGES).headers["location"] for _ in range(4)]
    wait_for(lambda: all(client.get(each).json()["state"] == "succeeded" for each in jobs))
    assert all(client.get(f"{each}/result").json()["outputs"] == HALF for each in jobs)


def test_the_node_has_the_metrics_of_every_replica(client: httpx.Client) -> None:
    import ray

    (port,) = (each["MetricsExportPort"] for each in ray.nodes() if each["Alive"])
    names = {name.rpartition("#")[2] for name in replicas("Service")}

    def told() -> set[str]:
        text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
        lines = (each for each in text.splitlines() if each.startswith("ray_autoencoder_requests"))
        return {found[1] for each in lines if (found := re.search(r'replica="(\w+)"', each))}

    def ask_until_all_have_told() -> bool:
        client.post("/denoise", json=IMAGES)
        return told() >= names

    wait_for(ask_until_all_have_told)


def test_a_killed_replica_loses_what_it_had_and_clients_that_retry_lose_nothing(
    client: httpx.Client,
) -> None:
    gray = np.full((4, 4), 0.5, np.float32)
    with (
        Client(str(client.base_url)) as retrying,
        loaded(lambda: client.post("/denoise", json=IMAGES)) as load,
    ):
        load.more(20)
        killed = kill_one("Service")
        results = [retrying.denoise(gray) for _ in range(20)]
        load.more(20)
    check(load)
    assert len([each for each in load.answers if each.status_code != 200]) <= CLIENTS
    for each in results:
        np.testing.assert_array_equal(each.array(), np.asarray(HALF[0], np.float32))
    wait_for(lambda: len(replicas("Service").keys() - {killed}) == 2)


def test_no_request_is_lost_while_another_version_is_deployed(
    client: httpx.Client, deploy: Deploy, tiny_models: Path, tmp_path: Path
) -> None:
    newer = Path(shutil.copytree(tiny_models, tmp_path / "models"))
    write_model(newer, "half", 3)
    with loaded(lambda: client.post("/denoise", json=IMAGES)) as load:
        load.more(20)
        deploy(models=str(newer))
        load.until(lambda load: load.answers[-1].headers["x-model-version"] == "3")
        load.more(20)
    check(load)
    assert {each.status_code for each in load.answers} == {200}
    assert {each.headers["x-model-version"] for each in load.answers} == {"2", "3"}
    assert {each.headers["x-model-version"] for each in load.answers[-10:]} == {"3"}


def test_what_finds_no_room_is_a_429_that_says_when_to_try_again(deploy: Deploy) -> None:
    client = deploy(max_queue_items=1)
    photograph = {"inputs": np.full((1, 64, 64, 3), 0.5).tolist()}
    with ThreadPoolExecutor(8) as pool:
        responses = list(
            pool.map(lambda _: client.post("/denoise?model=photo", json=photograph), range(8))
        )
    assert {each.status_code for each in responses} == {200, 429}
    for each in responses:
        assert len(each.headers.get_list("x-request-id")) == 1
        if each.status_code == 429:
            assert each.headers["content-type"] == "application/problem+json"
            assert each.json()["code"] == "overloaded"
            assert int(each.headers["retry-after"]) >= 1
