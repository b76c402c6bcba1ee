"""The cluster of a run: connect to it, and tell where it has no room for an actor."""

import contextlib
import logging
import os
import socket
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from service.errors import StartupError
from service.files.progress import report
from service.ray.batch_arguments import Actors

CLIENT = "ray"
"""The scheme of addresses of Ray's client, through which Ray Data does not run."""
ELSEWHERE = "from elsewhere `ray job submit` runs the command on a node of the cluster"
ANSWER = 10.0
"""Seconds in which a cluster that is named accepts a connection; Ray itself tries for minutes."""


@contextlib.contextmanager
def connected(actors: Actors) -> Iterator[None]:
    """Connect to a cluster, or start one, unless this process is connected.

    A line on stderr tells where no machine has what an actor asks for: the run waits for one.

    Raises:
        StartupError: Ray is missing, or there is no cluster at the address.
    """
    try:
        import ray
    except ImportError as error:
        raise StartupError(
            f"--ray: expected the extra [ray] to be installed, received: {error}; "
            "pip install --find-links dist 'autoencoder-service[ray]'"
        ) from error
    if ray.is_initialized():
        _report_shortage(actors)
        yield
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would report how it is used
    address = actors.address or os.environ.get("RAY_ADDRESS", "")
    _check_reachable(address)
    try:
        ray.init(address or None, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # where nothing answers, or a node does not start
        where, advice = "a cluster", _token_hint()
        if address:
            where = f"a cluster at {address} of which this machine is a node"
            advice = f"; {ELSEWHERE}{advice}"
        raise StartupError(f"--ray: expected {where}, received: {error}{advice}") from error
    try:
        _report_shortage(actors)
        yield
    finally:
        ray.shutdown()


def shared(text: str) -> str:
    """Return a path as all machines see it, from the root on; a URL as it is."""
    return text if "://" in text else str(Path(text).absolute())


def shortage(actors: Actors, machines: Iterable[Mapping[str, float]]) -> str:
    """Return which resources no machine has as an actor asks for them, "" where one has them.

    Args:
        actors: What each actor asks for.
        machines: The resources of each machine, by Ray's names.
    """
    found = [(each.get("CPU", 0), each.get("GPU", 0)) for each in machines]
    if any(cpus >= actors.cpus and gpus >= actors.gpus for cpus, gpus in found):
        return ""
    received = ", ".join(f"{cpus:g} and {gpus:g}" for cpus, gpus in sorted(set(found))[-3:])
    return (
        f"--ray: expected a machine with {actors.cpus} processors and {actors.gpus:g} GPUs for an "
        f"actor, received machines with {received or 'none'}; waiting for one to join the cluster"
    )


def _check_reachable(address: str) -> None:
    """Raise StartupError where a host is named at which nothing accepts a connection.

    Raises it also for an address of Ray's client.
    """
    if address in ("", "auto", "local"):  # which Ray knows
        return
    parts = urlsplit(address if "://" in address else f"//{address}")
    if parts.scheme == CLIENT:
        raise StartupError(
            f"--ray: expected HOST:PORT of a cluster of which this machine is a node, received "
            f"{address}; {ELSEWHERE}"
        )
    try:
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise StartupError(f"--ray: expected HOST:PORT, received {address}") from error
    if host is None or port is None:
        raise StartupError(f"--ray: expected HOST:PORT, received {address}")
    try:
        socket.create_connection((host, port), ANSWER).close()
    except OSError as error:
        raise StartupError(f"--ray: expected a cluster at {address}, received: {error}") from error


def _token_hint() -> str:
    """Return how to send a token, "" where the environment says already whether Ray sends one.

    For an explicit address, Ray sends a token only with RAY_AUTH_MODE=token, although `ray start`
    turns authentication on wherever it finds a token.
    """
    if "RAY_AUTH_MODE" in os.environ:
        return ""
    return "; if the cluster asks for a token: RAY_AUTH_MODE=token"


def _report_shortage(actors: Actors) -> None:
    import ray

    if line := shortage(actors, (each["Resources"] for each in ray.nodes() if each["Alive"])):
        report(line)
