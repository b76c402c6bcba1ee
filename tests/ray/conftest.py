"""A local cluster for all tests of Ray: small nodes, without a dashboard."""

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.service.tiny import write_model

NEEDS_RAY = "needs Ray, which `make test-ray` installs"
STORE_BYTES = 128 * 1024 * 1024
PATIENT = {
    "RAY_agent_register_timeout_ms": "120000",
    "RAY_worker_register_timeout_seconds": "120",
    "RAY_enable_worker_prestart": "0",
    "RAY_prestart_worker_first_driver": "0",
}
"""Let a busy machine take its time, and start no process that nothing uses."""
NODE = {
    "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH": "service.ray.proxy:middlewares",
    "RAY_SERVE_REPLICA_GRPC_MAX_MESSAGE_LENGTH": "268435456",
    "RAY_worker_niceness": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_metrics_report_interval_ms": "1000",
}
"""Variables of every node: what docs/ray.md tells operators to set, and metrics at once."""
SETTINGS: dict[str, Any] = {
    "device": "cpu",
    "default_encode": "half",
    "default_decode": "half",
    "default_denoise": "half",
    "default_picture": "half",
    "load_seconds": 0,
}

SECONDS = 180
"""For a deployment, all of whose processes start."""
NAME = "service"
"""Of the application."""
ROOT = Path(__file__).parents[2]

Deploy = Callable[..., httpx.Client]
"""Deploys the service with arguments over the tiny models, and options of deployments; returns a
client of it."""


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of few tiny models, "half" in two versions, which no test changes."""
    root = tmp_path_factory.mktemp("tiny") / "models"
    for name in ("half", "photo", "rows"):
        write_model(root, name)
    write_model(root, "half", 2)
    return root


@pytest.fixture(scope="session")
def cluster() -> Iterator[Any]:
    """A cluster of this machine alone, with one node at first."""
    folder = Path(tempfile.mkdtemp(prefix="ray-"))  # paths of sockets may have 107 bytes
    (folder / "ray").mkdir()
    before = dict(os.environ)
    os.environ.update(PATIENT | NODE | {"RAY_TMPDIR": str(folder), "PYTHONPATH": str(ROOT)})
    try:
        yield from _running()
    finally:
        os.environ.clear()
        os.environ.update(before)
        shutil.rmtree(folder)


def _running() -> Iterator[Any]:
    """Run it; Ray reads the environment as it is imported."""
    ray = pytest.importorskip("ray", reason=NEEDS_RAY)
    from ray.cluster_utils import Cluster

    made = Cluster(
        head_node_args=node(include_dashboard=False, no_monitor=True), initialize_head=True
    )
    try:
        ray.init(made.address, log_to_driver=False)
        yield made
    finally:
        ray.shutdown()
        nodes = made.list_all_nodes()
        processes = [
            each.process for one in nodes for some in one.all_processes.values() for each in some
        ]
        made.shutdown()
        for process in processes:  # which Ray has told to end
            process.wait(30)


def node(**options: Any) -> dict[str, Any]:
    """Return the arguments of a node, whose processors are counted, not pinned."""
    small = {"object_store_memory": STORE_BYTES, "include_log_monitor": False}
    return {"num_cpus": 8, "num_gpus": 0} | small | options


@pytest.fixture(scope="session")
def url(cluster: Any) -> Iterator[str]:
    """The URL at which the proxy of Serve listens."""
    from ray import serve

    port = free_port()
    serve.start(proxy_location="HeadOnly", http_options={"host": "127.0.0.1", "port": port})
    yield f"http://127.0.0.1:{port}"
    serve.shutdown()


@pytest.fixture(scope="module")
def deploy(url: str, tiny_models: Path) -> Iterator[Deploy]:
    """Deploy the service as a configuration file does; what is deployed again replaces it."""
    from ray import serve
    from ray.serve.context import _get_global_client
    from ray.serve.schema import ServeDeploySchema

    client = httpx.Client(base_url=url, timeout=120, trust_env=False)

    def with_arguments(
        options: dict[str, dict[str, Any]] | None = None, **arguments: Any
    ) -> httpx.Client:
        application = {
            "name": NAME,
            "route_prefix": "/",
            "import_path": "service.ray.application:build",
            "args": {"models": str(tiny_models)} | SETTINGS | arguments,
            "deployments": [{"name": name} | each for name, each in (options or {}).items()],
        }
        serving = _get_global_client()
        serving.deploy_apps(ServeDeploySchema.model_validate({"applications": [application]}))
        serving._wait_for_application_running(NAME, timeout_s=SECONDS)
        return client

    yield with_arguments
    client.close()
    serve.delete(NAME)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
