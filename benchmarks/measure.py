"""Measure a server with the load generator in a process of its own."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.contenders import ROOT
from benchmarks.environments import Unavailable, tail
from benchmarks.processes import busy_seconds, cpu_seconds
from benchmarks.servers import Server

WARM_UP = 2.0
"""Seconds under load before those that count."""

Run = dict[str, Any]
"""What benchmarks.load prints; others_cpu: processors that the rest of the machine took."""


def measure(
    server: Server,
    *,
    connections: int,
    seconds: float,
    rate: float | None = None,
    honour_retry_after: bool = False,
    warm_up: float = WARM_UP,
    may_be_refused: bool = False,
) -> Run:
    """Return what a load gave, once answers under it were checked.

    Raises Unavailable where there are none, unless all may be refused.
    """
    request = server.request
    command = [sys.executable, "-m", "benchmarks.load", server.url]
    command += ["--body", str(server.body_file), "--content-type", request.content_type]
    command += ["--connections", str(connections)]
    command += ["--seconds", str(seconds), "--warm-up", str(warm_up)]
    for header in request.headers:
        command += ["--header", header]
    if rate:
        command += ["--rate", str(rate)]
    if honour_retry_after:
        command += ["--honour-retry-after"]
    busy, used = busy_seconds(), _used(server)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        run = _call([*command, "--keep", folder])
        took = time.perf_counter() - began
        used = _used(server) - used
        others = busy_seconds() - busy - used
        for answer in Path(folder).iterdir():
            server.check(answer.read_bytes())
    if "200" not in run["statuses"] and not may_be_refused:
        raise Unavailable(f"expected answers under load, received {run}")
    run["others_cpu"] = round(others / took, 3)
    return run


def _call(command: list[str]) -> Run:
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    try:
        run: Run = json.loads(result.stdout)
    except json.JSONDecodeError as error:
        said = tail(result.stderr) or str(error)
        raise Unavailable(f"expected what the load generator saw, received {said}") from error
    return run


def _used(server: Server) -> float:
    """Processor time of the server until now, and of the load generators that are done."""
    times = os.times()
    return cpu_seconds(server.processes()) + times.children_user + times.children_system
