"""A local cluster for all tests of Ray: one process a node, small, without a dashboard."""

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.service.tiny import TINY, write_model

NEEDS_RAY = "needs Ray, which `make test-ray` installs"
CPUS = 4
"""Of the cluster, which are counted, not pinned."""
STORE_BYTES = 256 * 1024 * 1024
PATIENT = {
    "RAY_agent_register_timeout_ms": "120000",
    "RAY_worker_register_timeout_seconds": "120",
    "RAY_enable_worker_prestart": "0",
    "RAY_prestart_worker_first_driver": "0",
}
"""Let a busy machine take its time, and start no process that nothing uses."""
SETTINGS: dict[str, Any] = {
    "device": "cpu",
    "default_encode": "mirror",
    "default_decode": "mirror",
    "default_denoise": "half",
    "default_picture": "half",
    "load_seconds": 0,
}

Deploy = Callable[..., httpx.Client]
"""Deploys the service with arguments over the tiny models; returns a client of it."""


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every tiny model, "half" in two versions, which no test changes."""
    root = tmp_path_factory.mktemp("tiny") / "models"
    for name in TINY:
        write_model(root, name)
    write_model(root, "half", 2)
    return root


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """A cluster of this machine alone; the URL at which its proxy listens."""
    os.environ.update(PATIENT)
    ray = pytest.importorskip("ray", reason=NEEDS_RAY)
    from ray import serve

    # Sockets lie below it, whose paths may have 107 bytes.
    folder = tempfile.mkdtemp(prefix="ray-")
    port = free_port()
    ray.init(
        "local",
        num_cpus=CPUS,
        num_gpus=0,
        object_store_memory=STORE_BYTES,
        include_dashboard=False,
        log_to_driver=False,
        _temp_dir=folder,
    )
    try:
        serve.start(proxy_location="HeadOnly", http_options={"host": "127.0.0.1", "port": port})
        yield f"http://127.0.0.1:{port}"
    finally:
        serve.shutdown()
        started = ray._private.worker._global_node.all_processes.values()
        processes = [each.process for some in started for each in some]
        ray.shutdown()
        for process in processes:  # which Ray has told to end
            process.wait(30)
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def deploy(cluster: str, tiny_models: Path) -> Iterator[Deploy]:
    """Deploy the service; what is deployed again replaces it."""
    from ray import serve

    from service.ray.application import build

    client = httpx.Client(base_url=cluster, timeout=60, trust_env=False)

    def with_arguments(**arguments: Any) -> httpx.Client:
        serve.run(build({"models": str(tiny_models)} | SETTINGS | arguments), name="service")
        return client

    yield with_arguments
    client.close()
    serve.delete("service")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
