"""What experiments come to: numbers by method, condition and seed, kept in small files."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from training.record import reading


@dataclass(frozen=True)
class Value:
    """A number that was measured.

    Args:
        method: What it is a number of, such as an architecture.
        condition: What it was tried with, such as the number of labels.
        quantity: What was measured.
        seed: Of the training.
        number: The number.
    """

    method: str
    condition: str
    quantity: str
    seed: int
    number: float


@dataclass(frozen=True)
class Outcome:
    """The numbers of an experiment, and how it shows them.

    Args:
        values: The numbers.
        tables: Markdown.
        figure: Where it was drawn.
    """

    values: tuple[Value, ...]
    tables: str
    figure: Path

    def write(self, path: Path) -> None:
        """Write the numbers as JSON."""
        _write([*self.values], path)


def kept(path: Path, measure: Callable[[], Iterable[Value]]) -> Iterator[Value]:
    """Yield the numbers of a file, which is written first where it is missing.

    Args:
        path: The file, whose name says what was measured.
        measure: Measures the numbers.

    Raises:
        ValueError: The file is damaged.
    """
    if not path.exists():
        _write([*measure()], path)
        print(f"measured: {path}", flush=True)
    with reading(path, "numbers of an experiment"):
        yield from [Value(**each) for each in json.loads(path.read_text(encoding="utf-8"))]


def _write(values: list[Value], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    lines = ",\n ".join(json.dumps(asdict(each)) for each in values)
    draft.write_text(f"[{lines}]\n", encoding="utf-8")
    draft.replace(path)
