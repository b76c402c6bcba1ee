"""Replicas of deployments, as Ray knows them."""

import time
from collections.abc import Callable
from typing import Any

from tests.ray.conftest import NAME
from tests.ray.load import WAIT


def replicas(deployment: str) -> dict[str, Any]:
    """The replicas of a deployment that run now, by name."""
    import ray

    beginning = f"SERVE_REPLICA::{NAME}#{deployment}#"
    found = {}
    for each in ray.util.list_named_actors(all_namespaces=True):
        if each["name"].startswith(beginning):
            found[each["name"]] = ray.get_actor(each["name"], namespace=each["namespace"])
    return found


def kill_one(deployment: str) -> str:
    """End a replica at once; return its name."""
    import ray

    name, actor = next(iter(replicas(deployment).items()))
    ray.kill(actor)
    return name


def wait_for(holds: Callable[[], bool], seconds: float = WAIT) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)
