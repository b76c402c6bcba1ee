"""python -m benchmarks.idle: time to readiness, processor and memory of the idle service."""

import argparse
import sys
import time

from benchmarks.contenders import SERVICE
from benchmarks.environments import Unavailable, prepare
from benchmarks.images import noisy
from benchmarks.processes import cpu_seconds, resident_bytes
from benchmarks.servers import Server, serving


def main() -> int:
    """Run the command line; return 1 where the service could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.idle", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20, help="to watch it idle")
    options = parser.parse_args()
    try:
        with serving(SERVICE, prepare(SERVICE), "json", noisy(1)) as server:
            time.sleep(1)  # what follows the start is not idleness
            print(watch(server, options.seconds))
    except Unavailable as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def watch(server: Server, seconds: float) -> str:
    """Return what a server that nobody asks takes, and how long it took to start, as a text."""
    processes = server.processes()
    before = cpu_seconds(processes)
    time.sleep(seconds)
    busy = (cpu_seconds(processes) - before) / seconds
    memory = resident_bytes(processes) / 1e6
    return (
        f"start to the first right answer: {server.ready:.2f} s\n"
        f"idle for {seconds:g} s: {100 * busy:.2f} % of one processor\n"
        f"memory: {memory:.0f} MB in processes: {len(processes)}"
    )


if __name__ == "__main__":
    sys.exit(main())
