"""python -m benchmarks.inprocess: throughput of the session alone, without HTTP."""

import argparse
import os
import time

from benchmarks.contenders.common.denoiser import Denoiser
from benchmarks.images import Floats, noisy

BATCHES = (1, 128, 256)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.inprocess", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3, help="of each measurement")
    options = parser.parse_args()
    print("| threads | images a call | images/s |\n|--------:|--------------:|---------:|")
    for threads in sorted({1, len(os.sched_getaffinity(0))}):
        for batch in BATCHES:
            speed = images_per_second(threads, batch, options.seconds)
            print(f"| {threads:7} | {batch:13} | {speed:8,.0f} |", flush=True)


def images_per_second(threads: int, batch: int, seconds: float) -> float:
    """Return how many images a session gets through, a batch a call, after a short warm-up."""
    denoise, images = Denoiser(threads), noisy(batch)
    _calls(denoise, images, seconds / 10)
    calls, took = _calls(denoise, images, seconds)
    return calls * batch / took


def _calls(denoise: Denoiser, images: Floats, seconds: float) -> tuple[int, float]:
    calls, began = 0, time.perf_counter()
    while (took := time.perf_counter() - began) < seconds:
        denoise(images)
        calls += 1
    return calls, took


if __name__ == "__main__":
    main()
