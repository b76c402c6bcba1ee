"""Inputs that are kept: a file of text for each target, an input a line, as Python writes bytes."""

import ast
from collections.abc import Iterable
from pathlib import Path

FOLDER = Path(__file__).parent / "corpus"


def kept(name: str) -> list[bytes]:
    """Return the inputs that are kept for a target; none where it has no file."""
    path = FOLDER / f"{name}.txt"
    lines = path.read_text("ascii").splitlines() if path.exists() else []
    return [ast.literal_eval(line) for line in lines if not line.startswith("#")]


def keep(name: str, inputs: Iterable[bytes]) -> None:
    """Write the inputs to keep for a target, the shortest first."""
    ordered = sorted(set(inputs), key=lambda each: (len(each), each))
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.txt").write_text("".join(f"{each!r}\n" for each in ordered), "ascii")
