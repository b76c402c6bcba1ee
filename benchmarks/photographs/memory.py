"""Peak memory and throughput of the service for one very large photograph."""

import sys
from dataclasses import dataclass

from benchmarks.photographs.alone import Alone
from benchmarks.photographs.asking import Client, check
from benchmarks.photographs.others import Others, note
from benchmarks.photographs.pictures import Pixels, as_file, megapixels, noisy, sized
from benchmarks.photographs.runs import told
from benchmarks.photographs.service import Start
from benchmarks.photographs.speed import times
from benchmarks.processes import peak_bytes
from benchmarks.table import table

KINDS = {"PNG": "image/png", "JPEG": "image/jpeg"}
SOME = 6
"""Tiles that the session alone is measured with, before the photograph and again after it."""


@dataclass(frozen=True)
class Result:
    """What one photograph took, in a service that has just started.

    before, peak: bytes, VmHWM of its process; alone: megapixels a second of the session with some
    of the same tiles, before and after; stages: seconds of each; others: processors that anything
    else took.
    """

    kind: str
    megapixels: float
    bytes_in: int
    bytes_out: int
    before: int
    peak: int
    seconds: float
    alone: list[float]
    stages: dict[str, list[float]]
    others: float

    @property
    def speed(self) -> float:
        """Megapixels a second, through HTTP."""
        return self.megapixels / self.seconds


def measure(start: Start, alone: Alone, source: Pixels, size: float) -> list[Result]:
    """Return what a photograph of so many megapixels took in each format."""
    pixels = noisy(sized(source, size))
    results = []
    for kind, media_type in KINDS.items():
        file = as_file(pixels, kind)
        ran = [alone.in_tiles(pixels, SOME)]
        with start() as service:
            before = peak_bytes(service.server.processes())
            others = Others(service.server.processes)
            with Client(service.server.url) as client:
                answer = client.ask(service.denoise(file, media_type))
            taken = others.processors()
            check([answer])
            peak = peak_bytes(service.server.processes())
        ran.append(alone.in_tiles(pixels, SOME))
        if kind == "PNG":
            ran[0].check(answer.body)
        results.append(
            Result(
                kind,
                round(megapixels([pixels]), 3),
                len(file),
                len(answer.body),
                before,
                peak,
                answer.seconds,
                [each.speed for each in ran],
                times([answer]),
                taken,
            )
        )
        print(f"memory: {kind}: {peak / 1e6:,.0f} MB, {answer.seconds:.1f} s", file=sys.stderr)
    return results


def tables(results: list[Result]) -> str:
    """Return what was measured as a table."""
    stages = results[0].stages
    head = [
        "photograph", "peak, MB", "before it, MB", "MB in", "MB out", "HTTP, MP/s",
        "session, some of the tiles, MP/s", "HTTP / session",
        *(f"{name}, s" for name in stages), "notes",
    ]  # fmt: skip
    rows = [
        [
            f"{each.megapixels:.1f} MP, {each.kind}",
            f"{each.peak / 1e6:,.0f}",
            f"{each.before / 1e6:,.0f}",
            f"{each.bytes_in / 1e6:.1f}",
            f"{each.bytes_out / 1e6:.1f}",
            f"{each.speed:.2f}",
            told(each.alone),
            f"{each.speed / (sum(each.alone) / len(each.alone)):.2f}",
            *(told(values, 1) for values in each.stages.values()),
            note(each.others),
        ]
        for each in results
    ]
    return f"## Memory of the service's process\n\n{table(head, rows)}"
