"""python -m benchmarks.photographs: benchmarks of photographs, as tables.

Speed through HTTP beside the session alone and FFDNet, where the time goes, memory for the largest
photograph, small requests beside it, and codecs beside those of others; if asked for, bfloat16.
"""

import argparse
import json
import signal
import statistics
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from benchmarks.contenders import ON_OPENVINO, ROOT, SERVICE
from benchmarks.environments import Unavailable, prepare
from benchmarks.machine import machine
from benchmarks.photographs import beside, bfloat16, codecs, memory, speed
from benchmarks.photographs.alone import Alone, Ffdnet
from benchmarks.photographs.pictures import Pixels, found
from benchmarks.photographs.service import Start, started
from benchmarks.table import table

MEMORY = 1.5e9
"""Bytes that the service may have for the largest photograph."""
TARGETS = {"session": 0.8, "FFDNet": 2.0}
"""How fast HTTP is to be, beside these."""


def main() -> int:
    """Run the command line; return 1 where something could not be measured."""
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that servers are ended too
    options.out.mkdir(parents=True, exist_ok=True)
    try:
        stand = Stand(options, prepare(SERVICE), found(options.photos))
    except (FileNotFoundError, Unavailable) as error:
        print(error, file=sys.stderr)
        return 1
    reports: dict[str, Report] = {}
    for name in options.only:
        try:
            reports[name] = EXPERIMENTS[name](stand)
        except Unavailable as error:
            reports[name] = Report(None, f"## {name}\n\nNot measured: {error}\n", {}, failed=True)
        text = _write(options, reports)
    print(text)
    return int(any(report.failed for report in reports.values()))


@dataclass(frozen=True)
class Report:
    """What an experiment found: for JSON, as tables, and beside what is to be reached."""

    results: Any
    text: str
    reached: dict[str, str]
    failed: bool = False


@dataclass(frozen=True)
class Stand:
    """What experiments need; programs: the folder of those of the service's environment."""

    options: argparse.Namespace
    programs: Path
    sources: list[Pixels]

    @cached_property
    def alone(self) -> Alone:
        return Alone(self.options.models, self.options.model)

    @property
    def start(self) -> Start:
        return partial(started, self.options.models, self.options.model, self.programs)


def _speed(stand: Stand) -> Report:
    options, notes = stand.options, ""
    try:
        ffdnet = Ffdnet()
    except Unavailable as error:
        ffdnet, notes = None, f"\nFFDNet was not measured: {error}\n"
    plan = speed.Plan(options.rounds, options.seconds)
    with stand.start() as service:
        results = speed.measure(service, stand.alone, ffdnet, stand.sources[0], options.sizes, plan)
    last = results[-1]
    http = statistics.median(last.speeds[speed.over(1)])
    reached = {}
    for name, target in TARGETS.items():
        others = last.ffdnet if name == "FFDNet" else last.speeds[speed.TILES]
        if others:
            part = http / statistics.median(others)
            reached[f"{last.megapixels:.2f} MP through HTTP: {target:g} times {name}"] = (
                f"{part:.2f}"
            )
    return Report([asdict(each) for each in results], speed.tables(results) + notes, reached)


def _memory(stand: Stand) -> Report:
    results = memory.measure(stand.start, stand.alone, stand.sources[0], stand.options.largest)
    reached = {
        f"{each.megapixels:.1f} MP, {each.kind}: under {MEMORY / 1e6:,.0f} MB": (
            f"{each.peak / 1e6:,.0f} MB"
        )
        for each in results
    }
    return Report([asdict(each) for each in results], memory.tables(results), reached)


def _beside(stand: Stand) -> Report:
    options = stand.options
    with stand.start() as service:
        result = beside.measure(service, stand.sources[0], options.largest, options.before)
    return Report(asdict(result), beside.tables(result), {})


def _codecs(stand: Stand) -> Report:
    rows = codecs.measure(stand.sources, stand.options.rounds)
    return Report([asdict(each) for each in rows], codecs.tables(rows), {})


def _bfloat16(stand: Stand) -> Report:
    options = stand.options
    plan = speed.Plan(options.rounds, options.seconds)
    other = started(options.models, options.model, prepare(ON_OPENVINO), ON_OPENVINO)
    with stand.start() as ours, other as openvino:
        services = {bfloat16.FLOAT32: ours, bfloat16.BFLOAT16: openvino}
        results = bfloat16.measure(services, stand.sources[0], options.sizes, plan)
    return Report([asdict(each) for each in results], bfloat16.tables(results), {})


EXPERIMENTS: dict[str, Callable[[Stand], Report]] = {
    "speed": _speed,
    "memory": _memory,
    "beside": _beside,
    "codecs": _codecs,
    "bfloat16": _bfloat16,
}
USUAL = [name for name in EXPERIMENTS if name != "bfloat16"]
"""Those that every processor can run."""


def _write(options: argparse.Namespace, reports: dict[str, Report]) -> str:
    """Write what is known so far into a folder; return the tables."""
    photographs = "photographs given" if options.photos else "made up pictures, no photographs"
    setting = f"{options.model}, {photographs}; {machine()}"
    reached = [list(each) for report in reports.values() for each in report.reached.items()]
    parts = [f"# {setting}\n"]
    if reached:
        parts.append(table(["to reach", "reached"], reached))
    text = "\n".join([*parts, *(report.text for report in reports.values())])
    document = {"setting": setting} | {name: each.results for name, each in reports.items()}
    (options.out / "photographs.json").write_text(json.dumps(document, indent=2) + "\n")
    (options.out / "photographs.md").write_text(text)
    return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.photographs", description=__doc__)
    add = parser.add_argument
    add("--only", type=_names, default=USUAL, help=f"some of {','.join(EXPERIMENTS)}")
    add("--photos", type=Path, help="folder of photographs; without it, made up ones")
    add("--models", type=Path, default=ROOT / "models", help="folder of models to serve")
    add("--model", default="photo", help="which of them denoises the photographs")
    add("--sizes", type=_sizes, default=[0.25, 2, 12], help="megapixels: 0.25,2,12")
    add("--largest", type=float, default=50, help="megapixels, for memory and beside small ones")
    add("--rounds", type=int, default=3, help="how often each is measured, in turn")
    add("--seconds", type=float, default=30, help="of each at most: one round more than that")
    add("--before", type=float, default=12, help="seconds of small requests before the largest")
    add("--out", type=Path, default=ROOT / "benchmarks/results", help="folder to write into")
    return parser


def _names(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - set(EXPERIMENTS):
        raise argparse.ArgumentTypeError(
            f"expected some of {', '.join(EXPERIMENTS)}, received {', '.join(sorted(unknown))}"
        )
    return names


def _sizes(text: str) -> list[float]:
    return sorted({float(size) for size in text.split(",")})


if __name__ == "__main__":
    sys.exit(main())
