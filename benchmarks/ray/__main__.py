"""python -m benchmarks.ray: what Ray Serve costs, by rate, latency and processor time.

.venv/ray/bin/python runs it, which `make test-ray` installs. The processor time is that of all
processes of a server, proxies and Ray's own included: programs beside it change that little, unlike
the rate and the latency, which want a machine that does nothing else.
"""

import argparse
import contextlib
import io
import json
import math
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.crowd import Plan
from benchmarks.load import request, run
from benchmarks.machine import machine
from benchmarks.processes import cpu_seconds, none_left
from benchmarks.table import table

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
CALLBACK = {
    "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH": "service.ray.proxy:middlewares",
    "RAY_USAGE_STATS_ENABLED": "0",
}
HAPROXY = {"RAY_SERVE_ENABLE_HA_PROXY": "1"}
FAST = {
    **HAPROXY,
    "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
    "RAY_SERVE_REPLICA_GRPC_MAX_MESSAGE_LENGTH": "268435456",
}
START = 600.0
"""Seconds that a server may take to start."""
LAST = 2000
"""Bytes of the log of one that does not."""


@dataclass(frozen=True)
class Server:
    """A way to serve.

    Attributes:
        name: What it is called in the table.
        layout: On Ray, "" for the service alone.
        environment: Variables of its processes.
    """

    name: str
    layout: str
    environment: dict[str, str]


SIDE = 256
"""Of the photograph, in pixels."""

SERVERS = (
    Server("the service alone", "", {}),
    Server("combined, Ray's Python proxy", "combined", CALLBACK),
    Server("combined, HAProxy", "combined", CALLBACK | HAPROXY),
    Server("combined, HAProxy, throughput optimized", "combined", CALLBACK | FAST),
    Server("split, Ray's Python proxy", "split", CALLBACK),
    Server("split, HAProxy", "split", CALLBACK | HAPROXY),
    Server("split, HAProxy, throughput optimized, gRPC", "split", CALLBACK | FAST),
)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ray", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="of each load (default 10)")
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--only", default="", help="part of the names of the servers to measure")
    options = parser.parse_args()
    print(machine())
    rows: list[tuple[str, ...]] = []
    missing: list[str] = []
    for server in SERVERS:
        if options.only in server.name:
            try:
                for row in measured(server, options.connections, options.seconds):
                    print(" | ".join(row), flush=True)
                    rows.append(row)
            except NotReady as error:
                missing.append(f"{server.name}: {error}")
    heads = ("server", "request", "connections", "requests/s", "p50, ms", "p99, ms", "CPU, ms")
    if rows:
        print(f"\n{table(heads, rows)}")
    print("\n".join(missing))


class NotReady(Exception):
    """A server that did not start."""


def measured(server: Server, connections: list[int], seconds: float) -> Iterator[tuple[str, ...]]:
    """Yield a row for each kind of request and number of connections."""
    with none_left() as started, serving(server) as url:
        for what, path, body, content_type in requests():
            for count in connections:
                plan = Plan(
                    host="127.0.0.1",
                    port=int(url.rpartition(":")[2]),
                    request=request(url + path, body, content_type),
                    connections=count,
                    seconds=seconds,
                    warm_up=2,
                )
                before = cpu_seconds(started()), time.monotonic()
                found = run(plan)
                took = cpu_seconds(started()) - before[0]
                yield row(server.name, what, count, found, took, time.monotonic() - before[1])


def requests() -> Iterator[tuple[str, str, bytes, str]]:
    """Yield what is asked: its name, path, body and Content-Type."""
    image = json.loads((EXAMPLES / "images.json").read_text())["inputs"][0]
    body = json.dumps({"inputs": [image]}).encode()
    yield "JSON, 28x28", "/encode?model=stacked", body, "application/json"
    with Image.open(EXAMPLES / "photo-noisy.jpg") as photograph:
        crop = photograph.crop((0, 0, SIDE, SIDE))
    file = io.BytesIO()
    crop.save(file, "PNG")
    yield f"PNG, {SIDE}x{SIDE}", "/denoise?model=photo", file.getvalue(), "image/png"


def row(
    name: str, what: str, connections: int, found: dict[str, Any], took: float, whole: float
) -> tuple[str, ...]:
    """Return a row of the table; took: processor time of as many seconds as the whole load."""
    answers = found["statuses"].get("200", {})
    rate = found["rps"]
    each = 1000 * took / (rate * whole) if rate else math.inf
    return (
        name,
        what,
        str(connections),
        f"{rate:.0f}",
        f"{answers.get('p50', math.inf):.1f}",
        f"{answers.get('p99', math.inf):.1f}",
        f"{each:.2f}",
    )


@contextlib.contextmanager
def serving(server: Server) -> Iterator[str]:
    """Yield the URL of a server that is ready."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    if server.layout:
        words = ["-m", "benchmarks.ray.server", server.layout, str(port)]
    else:
        words = ["-m", "service", "serve", f"--port={port}", "--device=cpu", "--threads=1"]
    environment = os.environ | {"SERVICE_JOBS_DIR": "", "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, *words],
            cwd=ROOT,
            env=environment | server.environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            if not _is_ready(url, process):
                log.seek(0)
                raise NotReady(log.read()[-LAST:].decode(errors="replace"))
            yield url
        finally:
            process.terminate()
            process.wait(60)


def _is_ready(url: str, process: subprocess.Popen[bytes]) -> bool:
    """Wait until a server is ready; return whether it is."""
    deadline = time.monotonic() + START
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{url}/health/ready", timeout=5)
            return True
        time.sleep(0.2)
    return False


if __name__ == "__main__":
    main()
