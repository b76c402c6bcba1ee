"""Keeps of what fuzzing has found the shortest inputs that reach branches no others reach.

python -m tests.fuzz.minimise TARGET|all [--folder runs/fuzz]
"""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

import coverage

from tests.fuzz import corpus
from tests.fuzz.registry import NAMES, target_of
from tests.fuzz.target import Target

LONGEST = 700
"""Bytes of an input to keep."""

Arc = tuple[str, int, int]
"""A file, and the lines from and to which the program goes."""


def main(arguments: list[str] | None = None) -> int:
    """Write the corpora of the targets; return the exit status.

    Args:
        arguments: Those of the command line.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.minimise", description=__doc__)
    parser.add_argument("target", choices=["all", *NAMES])
    parser.add_argument("--folder", type=Path, default=Path("runs/fuzz"))
    options = parser.parse_args(arguments)
    for name in NAMES if options.target == "all" else (options.target,):
        folder = options.folder / name
        found = [path.read_bytes() for path in folder.iterdir()] if folder.exists() else []
        before = corpus.kept(name)
        chosen = [*before, *minimal(target_of(name), before, found)]
        corpus.keep(name, chosen)
        print(f"{name}: {len(found)} found, {len(chosen)} kept")
    return 0


def minimal(target: Target, kept: Iterable[bytes], found: Iterable[bytes]) -> list[bytes]:
    """Return the inputs that reach more than the seeds and what is kept, the shortest first.

    Args:
        target: The target.
        kept: What stays in any case.
        found: What to choose from.
    """
    seen: set[Arc] = set()
    for data in (*target.seeds(), *kept):
        seen |= _arcs(target, data)
    chosen = []
    for data in sorted((each for each in found if len(each) <= LONGEST), key=len):
        arcs = _arcs(target, data)
        if not arcs <= seen:
            chosen.append(data)
            seen |= arcs
    return chosen


def _arcs(target: Target, data: bytes) -> set[Arc]:
    """Return where the program goes within the service."""
    measured = coverage.Coverage(
        data_file=None, branch=True, source_pkgs=["service"], config_file=False
    )
    with measured.collect():
        target.run(data)
    result = measured.get_data()
    return {
        (file, start, end)
        for file in result.measured_files()
        for start, end in result.arcs(file) or ()
    }


if __name__ == "__main__":
    sys.exit(main())
