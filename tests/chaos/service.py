"""The service of a fault: its processes, its own copy of models, and what it takes."""

import asyncio
import contextlib
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.exchange import Address
from tests.chaos.mix import MODELS, ROOT

PATIENCE = 120.0
"""Seconds that the service may take to start, and anything else that is waited for."""
PAGE = resource.getpagesize()
PROC = Path("/proc")


@dataclass(frozen=True)
class Service:
    """A service that runs.

    Attributes:
        address: Where it listens.
        process: The process that was started: with several workers, their supervisor.
        folder: Holds its models and jobs.
        log_file: What it logs.
    """

    address: Address
    process: subprocess.Popen[bytes]
    folder: Path
    log_file: Path

    @property
    def models(self) -> Path:
        """The folder of its models."""
        return self.folder / "models"

    @property
    def jobs(self) -> Path:
        """The folder of its jobs."""
        return self.folder / "jobs"

    def log(self) -> str:
        """Return what it has logged."""
        return self.log_file.read_text()

    def workers(self) -> list[int]:
        """Return the ids of the processes that answer requests."""
        told = re.findall(r"Started server process \[(\d+)\]", self.log())
        return [pid for pid in map(int, told) if is_alive(pid)]

    def started(self) -> int:
        """Return how many workers have begun to serve until now."""
        return self.log().count("Application startup complete")

    def serves(self, workers: int) -> bool:
        """Return whether so many workers have begun to serve, and the port is open."""
        with contextlib.suppress(OSError):
            socket.create_connection((self.address.host, self.address.port), 5).close()
            return self.started() >= workers
        return False

    def until(self, holds: Callable[[], bool], what: str, patience: float = PATIENCE) -> float:
        """Wait until something holds; return the seconds. Raises AssertionError."""
        began = time.monotonic()
        while not holds():
            if time.monotonic() - began > patience:
                raise AssertionError(f"expected {what} within {patience:g} s\n{self.log()[-3000:]}")
            time.sleep(0.05)
        return time.monotonic() - began


async def eventually(holds: Callable[[], bool], what: str, patience: float = PATIENCE) -> float:
    """Wait until something holds; return the seconds. Raises AssertionError."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < patience, f"expected {what} within {patience:g} s"
        await asyncio.sleep(0.05)
    return time.monotonic() - began


async def replaced(service: Service, before: int) -> float:
    """Wait until another worker serves than the first so many; return the seconds."""
    return await eventually(lambda: service.started() > before, "another worker")


@contextlib.contextmanager
def serving(
    folder: Path,
    *flags: str,
    workers: int = 2,
    models: Sequence[str] = MODELS,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Service]:
    """Serve a copy of shipped models on a free port; end whatever is left of it afterwards."""
    for name in models:
        # Version 1 of all, whose answers depend on nothing but the graph and the inputs.
        version = Path(name, "1")
        shutil.copytree(ROOT / "models" / version, folder / "models" / version, dirs_exist_ok=True)
    (folder / "jobs").mkdir(exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "service", "serve", f"--port={port}", "--device=cpu"]
    named = [f"--models={folder}/models", f"--jobs-dir={folder}/jobs", f"--workers={workers}"]
    service_log = folder / f"log-{port}.txt"
    with service_log.open("wb") as output:
        process = subprocess.Popen(
            [*command, *named, "--threads=1", *flags],
            cwd=ROOT,
            env=os.environ | (environment or {}),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    service = Service(Address("127.0.0.1", port), process, folder, service_log)
    try:
        service.until(lambda: service.serves(workers) or process.poll() is not None, "a start")
        assert process.poll() is None, service.log()
        yield service
    finally:
        for pid in service.workers():
            _signal(pid, signal.SIGCONT)
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            for pid in (*service.workers(), process.pid):
                _signal(pid, signal.SIGKILL)
            process.wait(10)


def is_alive(pid: int) -> bool:
    """Return whether a process is there and no zombie."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def resident(pid: int) -> int:
    """Return the bytes of memory that a process holds, 0 where it is gone."""
    try:
        return int((PROC / str(pid) / "statm").read_text().split()[1]) * PAGE
    except OSError:
        return 0


def addressed(pid: int) -> int:
    """Return the bytes of a process's address space."""
    return int((PROC / str(pid) / "statm").read_text().split()[0]) * PAGE


def descriptors(pid: int) -> int:
    """Return how many files and connections a process has open."""
    return len(list((PROC / str(pid) / "fd").iterdir()))


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
