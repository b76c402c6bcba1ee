"""The service on Ray Serve, unchanged but for what its own server does."""

import httpx
import pytest

from tests.ray.conftest import NEEDS_RAY, Deploy

pytest.importorskip("ray", reason=NEEDS_RAY)

IMAGE = {"inputs": [[[0.25] * 4] * 4]}


@pytest.fixture(scope="module")
def client(deploy: Deploy) -> httpx.Client:
    return deploy()


def test_a_replica_is_the_service(client: httpx.Client) -> None:
    response = client.post("/encode", json=IMAGE)
    assert response.json()["outputs"] == [[0.25] * 16]
    assert response.headers["x-model"] == "mirror"
    assert client.get("/health/ready").json() == {"status": "ready"}


def test_a_request_has_one_id(client: httpx.Client) -> None:
    sent = client.post("/encode", json=IMAGE, headers={"X-Request-Id": "mine"})
    assert sent.headers.get_list("x-request-id") == ["mine"]
    for made in (client.post("/encode", json=IMAGE), client.get("/health/live")):
        assert len(made.headers.get_list("x-request-id")) == 1
