"""python -m tests.chaos.plot memory.csv soak.png: the memory of each process during a soak."""

import csv
import sys
from pathlib import Path

from matplotlib.figure import Figure

COLOURS = ("#98a3ae", "#2a6fbb", "#d9702b")


def draw(rows: list[list[str]], path: Path) -> None:
    """Write the plot of what was measured as PNG.

    Args:
        rows: Those of the file that a soak writes: the names of the columns, then numbers.
        path: The file of the plot.
    """
    head, *measured = rows
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    axes = figure.subplots()
    minutes = [float(row[0]) / 60 for row in measured]
    names = ("supervisor", *(f"worker {number}" for number in range(1, len(head) - 1)))
    for column, (name, colour) in enumerate(zip(names, COLOURS, strict=False), 1):
        megabytes = [float(row[column] or "nan") / 1e6 for row in measured]
        axes.plot(minutes, megabytes, color=colour, label=name)
    axes.set(xlabel="minutes", title="Resident memory, MB", ylim=(0, None), xlim=(0, minutes[-1]))
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color=COLOURS[0], alpha=0.25)
    axes.legend(frameon=False, loc="center right")
    figure.savefig(path, dpi=150, facecolor="white", metadata={"Software": None})


def main() -> None:
    """Run the command line."""
    source, target = map(Path, sys.argv[1:])
    with source.open(newline="") as file:
        draw(list(csv.reader(file)), target)


if __name__ == "__main__":
    main()
