"""The service on a cluster of Ray whose nodes are processes of this machine, behind HAProxy."""

import contextlib
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from benchmarks.ports import free_ports
from benchmarks.processes import none_left

ROOT = Path(__file__).parents[2]
NAME = "service"
"""Of the application."""
DEPLOYMENT = "Service"
RUNNING = "RUNNING"
NODE: Mapping[str, Any] = MappingProxyType(
    {
        "num_cpus": 8,  # counted, not pinned
        "num_gpus": 0,
        "object_store_memory": 256 * 1024 * 1024,
        "include_log_monitor": False,
    }
)
"""What each node has."""
START = 600.0
"""Seconds that a deployment may take to start."""


class Cluster:
    """A cluster with Ray's proxy on its head alone, and what befalls it.

    Attributes:
        url: Where the proxy listens.
        processes: Returns the ids of all processes of the cluster.
    """

    def __init__(self, nodes: Any, url: str, processes: Callable[[], set[int]]) -> None:
        self.url = url
        self.processes = processes
        self._nodes = nodes

    def deploy(self, options: Mapping[str, Any], **arguments: Any) -> None:
        """Deploy the service, and wait until it runs; what runs before answers meanwhile.

        Args:
            options: Of the deployment of the service, as a configuration file has them.
            arguments: Of the application.
        """
        from ray.serve.context import _get_global_client
        from ray.serve.schema import ServeDeploySchema

        given = {"device": "cpu", "threads": 1, "load_seconds": 0} | arguments
        application = {
            "name": NAME,
            "route_prefix": "/",
            "import_path": "service.ray.application:build",
            "args": given,
            "deployments": [{"name": DEPLOYMENT, **options}],
        }
        client = _get_global_client()
        client.deploy_apps(ServeDeploySchema.model_validate({"applications": [application]}))
        client._wait_for_application_running(NAME, timeout_s=START)  # noqa: SLF001

    def replicas(self) -> int:
        """Return how many replicas of the service run."""
        return len(self._running())

    def add_node(self) -> None:
        """Add a node beside those that are there."""
        self._nodes.add_node(**NODE)

    def kill_replica(self) -> None:
        """End the process of a replica at once."""
        import ray

        name = next(iter(self._running()))
        ray.kill(ray.get_actor(name, namespace="serve"))

    def kill_node(self) -> None:
        """End all processes of a node that has a replica, but the head's, at once."""
        used = Counter(self._running().values())
        node = max(self._nodes.worker_nodes, key=lambda each: used[each.node_id])
        assert used[node.node_id], "expected a replica on a node beside the head"
        self._nodes.remove_node(node, allow_graceful=False)

    def _running(self) -> dict[str, str]:
        """Return the node of each replica of the service that runs, by the name of its actor."""
        from ray.serve.context import _get_global_client

        details = _get_global_client().get_serve_details()
        found = details["applications"][NAME]["deployments"][DEPLOYMENT]["replicas"]
        return {each["actor_name"]: each["node_id"] for each in found if each["state"] == RUNNING}


@contextlib.contextmanager
def cluster() -> Iterator[Cluster]:
    """Run a cluster with one node at first, and end all of its processes after the block."""
    with (
        none_left() as started,
        tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder,
    ):
        port, metrics, stats = free_ports(3)
        os.environ.update(_environment(Path(folder), metrics, stats))
        import ray
        from ray import cluster_utils

        made = cluster_utils.Cluster(
            initialize_head=True,
            head_node_args={**NODE, "include_dashboard": False, "no_monitor": True},
        )
        try:
            ray.init(made.address, log_to_driver=False)
            _start_serve(port)
            yield Cluster(made, f"http://127.0.0.1:{port}", started)
        finally:
            ray.shutdown()
            made.shutdown()


def _start_serve(port: int) -> None:
    """Start Ray's proxy; a busy machine takes longer than the minute that Ray waits for it."""
    from ray import serve
    from ray.exceptions import RayError

    with contextlib.suppress(TimeoutError, RayError):
        serve.start(proxy_location="HeadOnly", http_options={"host": "127.0.0.1", "port": port})

    def is_healthy() -> bool:
        proxies = serve.status().proxies.values()
        return bool(proxies) and all(each == "HEALTHY" for each in proxies)

    if not wait_for(is_healthy, START):
        raise TimeoutError(f"expected a proxy within {START:g} s, received: {serve.status()}")


def wait_for(holds: Callable[[], bool], seconds: float) -> bool:
    """Wait until something holds, for so long at most; return whether it does."""
    deadline = time.monotonic() + seconds
    while not (held := holds()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return held


def _environment(folder: Path, metrics: int, stats: int) -> dict[str, str]:
    """Return the variables of all processes.

    They are those of docs/ray.md; a place of their own, so that another cluster may run beside it;
    no processes that nothing uses, and patience with those that start on a busy machine.
    """
    (folder / "ray").mkdir()
    haproxy = folder / "h"  # paths of sockets may have 97 characters, an id of a node has 56
    return {
        "PYTHONPATH": str(ROOT),
        "RAY_TMPDIR": str(folder),
        "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH": "service.ray.proxy:middlewares",
        "RAY_SERVE_ENABLE_HA_PROXY": "1",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_worker_niceness": "0",
        "RAY_enable_worker_prestart": "0",
        "RAY_prestart_worker_first_driver": "0",
        "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "60",
        "RAY_SERVE_PROXY_HEALTH_CHECK_TIMEOUT_S": "60",
        "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(haproxy / "haproxy.cfg"),
        "RAY_SERVE_HAPROXY_SOCKET_PATH": str(haproxy / "admin.sock"),
        "RAY_SERVE_HAPROXY_METRICS_SOCKET_PATH": str(haproxy / "metrics.sock"),
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(haproxy),
        "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(haproxy / "server-state"),
        "RAY_SERVE_HAPROXY_METRICS_PORT": str(metrics),
        "RAY_SERVE_HAPROXY_STATS_PORT": str(stats),
    }
