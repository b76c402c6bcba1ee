"""Models in deployments of their own, which are killed and replaced under the service."""

import shutil
from pathlib import Path

import httpx
import pytest

from service.manifest import OperationName
from service.ray.content import Content
from service.ray.messages import OperationStatus
from tests.ray.conftest import NAME, NEEDS_RAY, Deploy
from tests.ray.contract import compare
from tests.ray.load import IMAGES, check, loaded
from tests.ray.replicas import kill_one, replicas, wait_for
from tests.service.tiny import write_model

pytest.importorskip("ray", reason=NEEDS_RAY)


SCALED = {"half": {"autoscaling_config": {"min_replicas": 2, "max_replicas": 2}}}


@pytest.fixture(scope="module")
def client(deploy: Deploy) -> httpx.Client:
    return deploy(SCALED, layout="split")


async def test_answers_are_those_of_the_service_alone(
    client: httpx.Client, tiny_models: Path
) -> None:
    await compare(client, tiny_models)


def test_replicas_of_an_autoscaler_are_counted(client: httpx.Client, tiny_models: Path) -> None:
    from ray import serve

    model = str(Content.of(tiny_models / "half" / "2"))
    replica = serve.get_deployment_handle("half", NAME).options(multiplexed_model_id=model)

    def count() -> int:
        found: dict[OperationName, OperationStatus] = replica.describe_version.remote().result()
        return found["denoise"].replicas

    wait_for(lambda: count() == 2)


def test_a_killed_replica_of_a_model_loses_no_request(client: httpx.Client) -> None:
    with loaded(lambda: client.post("/denoise", json=IMAGES)) as load:
        load.more(20)
        killed = kill_one("half")
        wait_for(lambda: len(replicas("half").keys() - {killed}) == 2)
        load.more(20)
    check(load)
    assert {each.status_code for each in load.answers} == {200}


def test_no_request_is_lost_while_another_version_is_deployed(
    client: httpx.Client, deploy: Deploy, tiny_models: Path, tmp_path: Path
) -> None:
    newer = tmp_path / "models"
    shutil.copytree(tiny_models / "half", newer / "half")
    write_model(newer, "half", 3)
    with loaded(lambda: client.post("/denoise", json=IMAGES)) as load:
        load.more(20)
        deploy(layout="split", models=str(newer))
        load.until(lambda load: load.answers[-1].headers["x-model-version"] == "3")
        load.more(20)
    check(load)
    assert {each.status_code for each in load.answers} == {200}
    assert {each.headers["x-model-version"] for each in load.answers} == {"2", "3"}
