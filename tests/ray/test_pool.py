"""The pool of actors: pieces whose process ends, that raise, and actors that do not start."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.ports import free_ports
from service.errors import ClusterError, InvalidValue, StartupError
from service.ray import pool
from service.ray.batch_arguments import Actors
from service.ray.cluster import connected
from tests.ray.conftest import NEEDS_RAY, ROOT

pytest.importorskip("ray", reason=NEEDS_RAY)

ACTORS = Actors("", 2, 1, 0)
ENDS, RAISES = 5, 9


class Fragile:
    """Doubles numbers; one of them ends its process, another one raises."""

    def __call__(self, pieces: list[int]) -> list[int]:
        if ENDS in pieces:
            os._exit(1)
        if RAISES in pieces:
            raise MemoryError("no memory")
        return [2 * each for each in pieces]


class OnceOnly:
    """Starts where a file is not there, and makes it."""

    def __init__(self, marker: Path) -> None:
        if marker.exists():
            raise StartupError("expected a device, received none")
        marker.touch()

    def __call__(self, pieces: list[int]) -> list[int]:
        return pieces


def run(work: Any, worker: type, **arguments: Any) -> Iterator[Any]:
    return pool.results(
        work,
        worker,
        arguments,
        ACTORS,
        block=4,
        failed=lambda piece, problem: (piece, problem),
    )


@pytest.mark.usefixtures("cluster")
def test_a_piece_that_ends_each_process_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "RETRIES", 1)
    found = list(run(range(12), Fragile))
    failed = {each for each in found if isinstance(each, tuple)}
    assert failed == {(ENDS, pool.LOST), (RAISES, "no memory")}
    done = sorted(each for each in found if isinstance(each, int))
    assert done == [2 * number for number in range(12) if number not in (ENDS, RAISES)]


@pytest.mark.usefixtures("cluster")
def test_actors_that_do_not_start_are_told_apart_from_a_cluster_that_fails_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "WINDOW", 1)
    results = run([1, 2], OnceOnly, marker=tmp_path / "marker")
    assert next(results) == 1
    with pytest.raises(ClusterError, match=r"expected actors that go on, received: .*a device"):
        next(results)
    with pytest.raises(StartupError, match=r"expected actors that run, received: .*a device"):
        next(run([1], OnceOnly, marker=tmp_path / "marker"))


def refuse() -> None:
    raise InvalidValue("expected another")


def divide() -> float:
    return 1 / 0


@pytest.mark.usefixtures("cluster")
def test_what_a_process_raises_is_an_error_of_the_service() -> None:
    with pytest.raises(InvalidValue, match="expected another"):
        pool.run_once(ACTORS, refuse)
    with pytest.raises(StartupError, match=r"expected actors that run, received: .*division by"):
        pool.run_once(ACTORS, divide)


@pytest.mark.usefixtures("cluster")
def test_a_cluster_without_room_for_an_actor_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with connected(Actors("", None, 1, 7)):
        pass
    assert "expected a machine with 1 processors and 7 GPUs" in capsys.readouterr().err
    with connected(ACTORS):
        pass
    assert capsys.readouterr().err == ""


def test_an_address_at_which_nothing_listens_is_an_error_at_once() -> None:
    [port] = free_ports(1)
    address = f"127.0.0.1:{port}"
    assert f"--ray: expected a cluster at {address}, received: " in refused("--ray", address)


def test_an_address_of_rays_client_is_refused_as_ray_data_does_not_run_through_it() -> None:
    told = refused("--ray", "ray://127.0.0.1:10001")
    assert "--ray: expected HOST:PORT of a cluster of which this machine is a node" in told
    assert "`ray job submit`" in told


def test_an_address_without_a_port_that_is_a_number_is_an_error() -> None:
    told = refused("--ray", RAY_ADDRESS="here:there")
    assert "--ray: expected HOST:PORT, received here:there" in told
    assert "--ray: expected HOST:PORT, received here" in refused("--ray", "here")


def refused(*words: str, **environment: str) -> str:
    """Return what a command tells whose cluster is not there."""
    done = subprocess.run(
        [sys.executable, "-m", "service", "denoise", str(ROOT), "-o", "out", *words],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, done
    return done.stderr
