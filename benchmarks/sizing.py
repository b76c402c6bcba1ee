"""python -m benchmarks.sizing: what one processor of the service does, and the memory it needs.

It counts the processor time of the service's processes, not the time that passes: a load generator
or other programs beside it change that little. What a processor does in a second is its inverse.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contenders import ROOT, SERVICE
from benchmarks.environments import Unavailable, prepare
from benchmarks.images import noisy
from benchmarks.machine import machine
from benchmarks.measure import WARM_UP, measure
from benchmarks.photographs import pictures
from benchmarks.photographs.asking import Client, check
from benchmarks.photographs.service import Service, started
from benchmarks.processes import cpu_seconds, peak_bytes
from benchmarks.servers import serving
from benchmarks.table import table

CONNECTIONS = 32
ARRAYS = (("json", 1), ("npy", 1), ("npy", 256))
"""Bodies of 28x28 images: their form, and how many images."""
FILES = (("PNG", "image/png"), ("JPEG", "image/jpeg"))
SERVED = 1.0
"""Megapixels that are denoised, of each size, before any count: the first run of a size is slow."""


@dataclass(frozen=True)
class Cost:
    """What requests of one kind took.

    Attributes:
        what: The requests, in words.
        units: Images or megapixels in one.
        unit: Which of these.
        seconds: Of processor time, for one request.
        peak: The most bytes that the processes had, 0 where it was not measured.
    """

    what: str
    units: float
    unit: str
    seconds: float
    peak: int = 0


def main() -> int:
    """Run the command line; return 1 where the service could not be measured."""
    options = _parser().parse_args()
    try:
        programs = prepare(SERVICE)
        costs = list(of_arrays(programs, options.seconds))
        source = pictures.found(options.photos)[0]
        costs += of_photographs(programs, source, options.sizes)
    except (FileNotFoundError, Unavailable) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{machine()}\n\n{rows(costs)}")
    return 0


def of_arrays(programs: Path, seconds: float) -> Iterator[Cost]:
    """Give the cost of requests for 28x28 images, under a closed loop of 32 connections.

    Args:
        programs: The folder of the programs of the service's environment.
        seconds: How long each kind is measured.

    Raises:
        Unavailable: The service does not start, or answers wrongly.
    """
    for body, images in ARRAYS:
        with serving(SERVICE, programs, body, noisy(images)) as server:
            before = cpu_seconds(server.processes())
            run = measure(server, connections=CONNECTIONS, seconds=seconds)
            used = cpu_seconds(server.processes()) - before
        answers = run["rps"] * (WARM_UP + seconds)  # as many a second in the warm-up
        yield Cost(f"{body}, images: {images}", images, "images", used / answers)


def of_photographs(
    programs: Path, source: pictures.Pixels, sizes: Sequence[float]
) -> Iterator[Cost]:
    """Give the cost of photographs of some sizes, in megapixels, one at a time, answered alike.

    Raises:
        Unavailable: The service does not start, or refuses one.
    """
    for size in sizes:
        pixels = pictures.noisy(pictures.sized(source, size))
        for kind, media_type in FILES:
            file = pictures.as_file(pixels, kind)
            with started(ROOT / "models", "photo", programs) as service:
                yield _photograph(service, file, media_type, pictures.megapixels([pixels]))


def _photograph(service: Service, file: bytes, media_type: str, size: float) -> Cost:
    asked = service.denoise(file, media_type)
    with Client(service.server.url) as client:
        times = max(1, round(SERVED / size))
        check([client.ask(asked) for _ in range(times)])
        before = cpu_seconds(service.server.processes())
        check([client.ask(asked) for _ in range(times)])
        used = cpu_seconds(service.server.processes()) - before
    kind = media_type.partition("/")[2].upper()
    peak = peak_bytes(service.server.processes())
    return Cost(f"{kind}, {size:.3g} megapixels", size, "megapixels", used / times, peak)


def rows(costs: Sequence[Cost]) -> str:
    """Return costs as a table."""
    head = ["requests", "ms of a processor each", "a second, of a processor", "peak memory, MB"]
    return table(
        head,
        [
            [
                cost.what,
                _short(1000 * cost.seconds),
                f"{_short(cost.units / cost.seconds)} {cost.unit}",
                _short(cost.peak / 1e6) if cost.peak else "",
            ]
            for cost in costs
        ],
    )


def _short(value: float) -> str:
    """Return a number with three digits, or all of those before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sizing", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="of each kind of array")
    parser.add_argument("--photos", type=Path, help="folder of photographs; without it, made up")
    parser.add_argument(
        "--sizes",
        type=lambda text: [float(size) for size in text.split(",")],
        default=[0.25, 2, 12],
        help="megapixels: 0.25,2,12",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
