"""python -m benchmarks.ray.photograph: how long a replica of the service takes for a photograph.

.venv/ray/bin/python runs it, which `make test-ray` installs. The photograph is a JPEG with noise,
alone in a replica; the processor time is that of all processes of the cluster.
"""

import argparse
import statistics
import time

from benchmarks.machine import machine
from benchmarks.photographs.asking import Asked, Client, check
from benchmarks.photographs.pictures import as_file, found, noisy, sized
from benchmarks.processes import cpu_seconds
from benchmarks.ray.cluster import cluster
from benchmarks.table import table

FIRST = 1.0
"""Megapixels that are denoised before any count: the first run of a size is slow."""


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ray.photograph", description=__doc__
    )
    parser.add_argument("--megapixels", type=float, default=12)
    parser.add_argument("--threads", type=int, nargs="+", default=[1], help="of the session")
    parser.add_argument("--times", type=int, default=3, help="whose median counts (default 3)")
    options = parser.parse_args()
    print(machine(), flush=True)
    first, photograph = (
        as_file(noisy(sized(found(None)[0], size)), "JPEG") for size in (FIRST, options.megapixels)
    )
    rows = []
    with cluster() as made:
        for threads in options.threads:
            made.deploy({"num_replicas": 1}, threads=threads, timeout=60)
            with Client(made.url) as client:
                url = f"{made.url}/denoise?model=photo"
                check([client.ask(Asked(url, first, "image/jpeg"))])
                before, began = cpu_seconds(made.processes()), time.monotonic()
                asked = Asked(url, photograph, "image/jpeg")
                answers = [client.ask(asked) for _ in range(options.times)]
                whole = time.monotonic() - began
                used = cpu_seconds(made.processes()) - before
            check(answers)
            seconds = statistics.median(each.seconds for each in answers)
            each = f"{used / options.times:.1f}"
            rows.append((str(threads), f"{seconds:.1f}", each, f"{used / whole:.2f}"))
    head = ("threads", "seconds, median", "processor seconds", "processors busy")
    print(f"\n{options.megapixels:g} megapixels, JPEG of {len(photograph) / 1e6:.1f} MB\n")
    print(table(head, rows))


if __name__ == "__main__":
    main()
