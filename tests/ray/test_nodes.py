"""A node that ends while clients ask."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.ray.conftest import NEEDS_RAY, Deploy, node
from tests.ray.load import IMAGES, check, loaded

pytest.importorskip("ray", reason=NEEDS_RAY)


@pytest.fixture
def second(cluster: Any) -> Iterator[Any]:
    """Another node of the cluster."""
    added = cluster.add_node(**node())
    yield added
    if added in cluster.worker_nodes:
        cluster.remove_node(added)


def test_a_killed_node_loses_what_its_replicas_had(
    deploy: Deploy, cluster: Any, second: Any
) -> None:
    client = deploy({"Service": {"num_replicas": 2, "max_replicas_per_node": 1}})
    with loaded(lambda: client.post("/denoise", json=IMAGES)) as load:
        load.more(20)
        cluster.remove_node(second, allow_graceful=False)
        load.more(40)
    check(load)
    assert {each.status_code for each in load.answers[-10:]} == {200}
