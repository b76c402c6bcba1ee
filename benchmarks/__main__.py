"""python -m benchmarks: load every contender, write a table and a plot.

Each is started, asked until it answers rightly, loaded with ever more connections, then with half
of the most that it answered, and ended before the next one starts.
"""

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.contenders import CONTENDERS, Contender
from benchmarks.environments import Unavailable, prepare, version
from benchmarks.images import Floats, noisy
from benchmarks.machine import machine
from benchmarks.measure import measure
from benchmarks.plot import draw
from benchmarks.servers import serving
from benchmarks.table import Result, tables


def main() -> int:
    """Run the command line; return 1 where no contender could be measured."""
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that servers are ended too
    images = noisy(options.images)
    options.out.mkdir(parents=True, exist_ok=True)
    results: list[Result] = []
    for name in options.only:
        result = _examine(CONTENDERS[name], options, images)
        print(f"{name}: {result.reason or 'measured'}", file=sys.stderr)
        results.append(result)
        text = _write(results, _setting(options), options.out)
    print(text)
    return 0 if any(result.runs for result in results) else 1


def _examine(contender: Contender, options: argparse.Namespace, images: Floats) -> Result:
    result = Result(contender.name, contender.title, version(contender))
    try:
        with serving(contender, prepare(contender), options.body, images) as server:
            result.ready = round(server.ready, 3)
            for connections in options.concurrency:
                run = measure(server, connections=connections, seconds=options.seconds)
                result.runs[connections] = run
                print(f"{contender.name}: {connections}: {run['rps']:,.0f}/s", file=sys.stderr)
            result.half = measure(
                server,
                connections=max(options.concurrency),
                seconds=options.seconds,
                rate=max(run["rps"] for run in result.runs.values()) / 2,
            )
    except Unavailable as error:
        result.reason = str(error)
    return result


def _write(results: Sequence[Result], setting: str, folder: Path) -> str:
    """Write what is known so far into a folder; return the tables."""
    text = f"# {setting}\n\n{tables(results)}"
    document = {"setting": setting, "results": [asdict(result) for result in results]}
    (folder / "results.json").write_text(json.dumps(document, indent=2) + "\n")
    (folder / "table.md").write_text(text)
    draw(results, folder / "plot.png")
    return text


def _setting(options: argparse.Namespace) -> str:
    return (
        f"{options.body}, images in a request: {options.images}, {options.seconds:g} s each; "
        f"{machine()}"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("--only", type=_names, default=list(CONTENDERS), help=f"some of {','.join(CONTENDERS)}")
    add("--seconds", type=float, default=10, help="of each measurement, after the warm-up")
    add("--concurrency", type=_counts, default=[1, 8, 32, 128], help="connections: 1,8,32,128")
    add("--body", choices=["json", "npy"], default="json")
    add("--images", type=int, default=1, help="in each request")
    add("--out", type=Path, default=Path(__file__).parent / "results", help="folder to write into")
    return parser


def _names(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - set(CONTENDERS):
        raise argparse.ArgumentTypeError(
            f"expected some of {', '.join(CONTENDERS)}, received {', '.join(sorted(unknown))}"
        )
    return names


def _counts(text: str) -> list[int]:
    return sorted({int(count) for count in text.split(",")})


if __name__ == "__main__":
    sys.exit(main())
