"""Throughput in bfloat16 on OpenVINO beside float32 on the CPU, and how far the pixels differ."""

import io
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from PIL import Image

from benchmarks.photographs.asking import together
from benchmarks.photographs.others import Others, note
from benchmarks.photographs.pictures import Pixels, as_file, megapixels, noisy, sized
from benchmarks.photographs.runs import Speeds, in_turn, ratios, told
from benchmarks.photographs.service import Service
from benchmarks.photographs.speed import ROUND, Plan
from benchmarks.processes import peak_bytes
from benchmarks.table import table

FLOAT32, BFLOAT16 = "float32, CPU", "bfloat16, OpenVINO"


@dataclass(frozen=True)
class Result:
    """What photographs of one size gave.

    speeds: megapixels a second through HTTP; peaks: bytes, VmHWM of each service until now;
    largest: grey levels between the answers; differing: share of their values that are not equal;
    others: processors that anything else took.
    """

    megapixels: float
    speeds: Speeds
    peaks: dict[str, int]
    largest: int
    differing: float
    others: float


def measure(
    services: dict[str, Service], source: Pixels, sizes: Sequence[float], plan: Plan
) -> list[Result]:
    """Return what PNGs of some sizes gave, asked of both services in turn.

    services: by FLOAT32 and BFLOAT16. Raises Unavailable for an answer that is not a 200.
    """
    results = []
    for size in sizes:
        results.append(_of_size(services, noisy(sized(source, size)), plan))
        speed = told(ratios(results[-1].speeds[BFLOAT16], results[-1].speeds[FLOAT32]))
        print(f"bfloat16: {size:.2f} MP: {speed} times as fast", file=sys.stderr)
    return results


def _of_size(services: dict[str, Service], pixels: Pixels, plan: Plan) -> Result:
    file, size = as_file(pixels, "PNG"), megapixels([pixels])
    each = max(1, round(ROUND / size))
    answers: dict[str, Pixels] = {}

    def http(name: str) -> float:
        seconds, given = together(services[name].denoise(file, "image/png"), 1, each)
        answers[name] = np.asarray(Image.open(io.BytesIO(given[-1].body)))
        return each * size / seconds

    cells: dict[str, Callable[[], float]] = {name: partial(http, name) for name in services}
    for cell in cells.values():
        cell()
    others = Others(lambda: {pid for one in services.values() for pid in one.server.processes()})
    speeds = in_turn(cells, plan.rounds, plan.seconds)
    taken = others.processors()
    error = np.abs(answers[BFLOAT16].astype(np.int16) - answers[FLOAT32])
    return Result(
        round(size, 3),
        speeds,
        {name: peak_bytes(one.server.processes()) for name, one in services.items()},
        int(error.max()),
        float((error > 0).mean()),
        taken,
    )


def tables(results: Sequence[Result]) -> str:
    """Return what was measured as a table."""
    head = [
        "size", f"{FLOAT32}, MP/s", f"{BFLOAT16}, MP/s", "bfloat16 / float32",
        "largest difference, grey levels", "values that differ", "peak, MB", "notes",
    ]  # fmt: skip
    rows = [
        [
            f"{each.megapixels:.2f} MP",
            told(each.speeds[FLOAT32]),
            told(each.speeds[BFLOAT16]),
            told(ratios(each.speeds[BFLOAT16], each.speeds[FLOAT32])),
            str(each.largest),
            f"{each.differing:.1%}",
            " and ".join(f"{each.peaks[name] / 1e6:,.0f}" for name in (FLOAT32, BFLOAT16)),
            note(each.others),
        ]
        for each in results
    ]
    return f"## bfloat16: PNG in and PNG out, over one connection\n\n{table(head, rows)}"
