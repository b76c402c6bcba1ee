"""A cluster of Ray of several nodes in one machine, of which one can be killed with all it runs."""

import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.processes import descendants

STORE_BYTES = 128 * 1024 * 1024
PATIENT = {
    "RAY_agent_register_timeout_ms": "120000",
    "RAY_worker_register_timeout_seconds": "120",
    "RAY_enable_worker_prestart": "0",
    "RAY_prestart_worker_first_driver": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",
}
"""Let a busy machine take its time, and start no process that nothing uses."""
OPTIONS = {"num_gpus": 0, "object_store_memory": STORE_BYTES, "include_log_monitor": False}


@contextlib.contextmanager
def cluster(environment: Mapping[str, str], count: int) -> Iterator[Any]:
    """Run a cluster: a head, which runs no work, and some nodes with a processor each.

    Processors are counted, not pinned.

    Args:
        environment: Variables of all processes.
        count: Nodes that work.

    Yields:
        ray.cluster_utils.Cluster.
    """
    from ray._private import utils
    from ray.cluster_utils import Cluster

    before, folder = dict(os.environ), tempfile.mkdtemp(prefix="ray-")
    os.environ.update(PATIENT | dict(environment) | {"RAY_TMPDIR": folder})
    Path(folder, "ray").mkdir()
    # Agents without HTTP and metrics start in a third of the time.
    known, utils.get_dashboard_dependency_error = (
        utils.get_dashboard_dependency_error,
        lambda: ImportError("not wanted"),
    )
    head = OPTIONS | {"temp_dir": f"{folder}/ray", "num_cpus": 0, "no_monitor": True}
    made = Cluster(initialize_head=True, head_node_args=head | {"include_dashboard": False})
    try:
        for _ in range(count):
            add(made)
        yield made
    finally:
        utils.get_dashboard_dependency_error = known
        for node in made.list_all_nodes():
            node.kill_all_processes(check_alive=False, allow_graceful=False)
        os.environ.clear()
        os.environ.update(before)
        shutil.rmtree(folder, ignore_errors=True)


def add(made: Any) -> None:
    """Add a node that works."""
    made.add_node(num_cpus=1, **OPTIONS)


def kill(made: Any) -> None:
    """Kill a node with an actor, and all that it runs, at once: as a machine without power."""
    for node in made.worker_nodes:
        raylet = node.all_processes["raylet"][0].process.pid
        inside = descendants(raylet)
        if any(_name(pid).startswith("ray::MapWorker") for pid in inside):
            break
    else:
        raise RuntimeError("expected a node that runs an actor, received none")
    for pid in (raylet, *inside):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    made.remove_node(node, allow_graceful=False)


def _name(pid: int) -> str:
    """Return the title of a process, "" where it has ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text()
    return ""
