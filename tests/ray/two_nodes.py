"""A cluster of two nodes in processes of this machine, for commands in processes of their own."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.ray.conftest import PATIENT, STORE_BYTES


@contextlib.contextmanager
def two_nodes(environment: Mapping[str, str], *, cpus: int = 1, gpus: int = 0) -> Iterator[Any]:
    """Run a cluster whose processes have environment variables; end it, without its grace.

    Args:
        environment: For all processes, as each machine of a cluster has its own.
        cpus: Of each node, which are counted, not pinned.
        gpus: Of each node, which are counted, and need not be there.

    Yields:
        ray.cluster_utils.Cluster, with an address; its second node is the last of `worker_nodes`.
    """
    from ray._private import utils
    from ray.cluster_utils import Cluster

    before = dict(os.environ)
    folder = tempfile.mkdtemp(prefix="ray-")  # sockets lie below it, whose paths are short
    os.environ.update(PATIENT | dict(environment) | {"RAY_TMPDIR": folder})
    options = {"num_cpus": cpus, "num_gpus": gpus, "object_store_memory": STORE_BYTES}
    options |= {"include_log_monitor": False}
    head = options | {"temp_dir": f"{folder}/ray", "include_dashboard": False, "no_monitor": True}
    # Agents without HTTP and metrics start in a third of the time.
    known, utils.get_dashboard_dependency_error = (
        utils.get_dashboard_dependency_error,
        lambda: ImportError("not wanted"),
    )
    Path(folder, "ray").mkdir()
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        cluster.add_node(**options)
        yield cluster
    finally:
        utils.get_dashboard_dependency_error = known
        os.environ.clear()
        os.environ.update(before)
        for node in cluster.list_all_nodes():
            node.kill_all_processes(check_alive=False, allow_graceful=False)
        shutil.rmtree(folder, ignore_errors=True)
