"""Load generator: python -m benchmarks.load URL --body FILE prints its results as JSON.

One request, prepared once, goes out over keep-alive connections: closed loop (each connection asks
again as soon as it is answered) or, with --rate, open loop (requests are due at fixed times, and
what a request waits for a free connection is part of its latency). It shares the processors with
the server, so it does as little as it can: no HTTP library, no body is looked at unless asked.
"""

import argparse
import gc
import json
import resource
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvloop

from benchmarks.crowd import KEPT, Crowd, Plan


def run(plan: Plan) -> dict[str, Any]:
    """Return what a plan gave, for JSON: latencies in milliseconds."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    gc.disable()  # a load is short, and its pauses would be the server's latency

    async def load() -> dict[str, Any]:
        return await Crowd(plan).run()

    return uvloop.run(load())


def request(url: str, body: bytes, content_type: str, headers: Sequence[str] = ()) -> bytes:
    """Return a whole POST request; headers: more lines, "Name: value"."""
    parts = urlsplit(url)
    lines = [
        f"POST {parts._replace(scheme='', netloc='', fragment='').geturl() or '/'} HTTP/1.1",
        f"Host: {parts.netloc}",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    add = parser.add_argument
    add("url")
    add("--body", type=Path, required=True, help="file to send")
    add("--content-type", default="application/json")
    add("--header", action="append", default=[], help='"Name: value", any number of them')
    add("--connections", type=int, default=32)
    add("--rate", type=float, help="requests a second; without it, closed loop")
    add("--seconds", type=float, default=10)
    add("--warm-up", type=float, default=2, help="seconds before those that count")
    add("--honour-retry-after", action="store_true", help="wait as long as a 429 says")
    add("--expect", type=Path, help="file that the body of every 200 must equal")
    add("--keep", type=Path, help=f"folder for the last answers of {KEPT} connections")
    return parser


def main() -> None:
    """Run the command line."""
    options = _parser().parse_args()
    parts = urlsplit(options.url)
    body, expected = options.body.read_bytes(), options.expect and options.expect.read_bytes()
    plan = Plan(
        host=parts.hostname or "127.0.0.1",
        port=parts.port or 80,
        request=request(options.url, body, options.content_type, options.header),
        connections=options.connections,
        seconds=options.seconds,
        warm_up=options.warm_up,
        rate=options.rate,
        honour_retry_after=options.honour_retry_after,
        expected=expected,
        keep=options.keep,
    )
    json.dump(run(plan), sys.stdout)
    print()


if __name__ == "__main__":
    main()
