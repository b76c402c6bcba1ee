"""The command line of python -m benchmarks.gpu, which its parts share."""

import argparse
from pathlib import Path

from benchmarks.contenders import ROOT

PARTS = {
    "parity": 60,
    "photographs": 90,
    "served": 120,
    "settings": 120,
    "precision": 60,
    "sizes": 90,
    "tensorrt": 60,
}
"""Share of each part in the time, in seconds of ten minutes; the most important first."""


def parser(prog: str, description: str | None) -> argparse.ArgumentParser:
    """Return the parser."""
    parser = argparse.ArgumentParser(prog=prog, description=description)
    add = parser.add_argument
    add("--device", choices=("cuda", "cpu"), default="cuda", help="cpu: what needs no GPU, on it")
    add("--budget", type=float, default=540, help="seconds of all parts together")
    add("--only", type=_names, default=list(PARTS), help=f"some of {','.join(PARTS)}")
    add("--models", type=Path, default=ROOT / "models", help="folder of models")
    add("--model", default="photo", help="which of them denoises photographs")
    add("--graphs", type=Path, default=ROOT / "dist/gpu/graphs", help="of benchmarks.gpu.graphs")
    add("--picture", type=Path, help="npy file of uint8 (height, width, 3); without it, made up")
    add("--sizes", type=_sizes, default=[2.0, 12.0, 50.0], help="megapixels of photographs")
    add("--tile", type=int, default=1664, help="side of the tile for settings, a multiple of 64")
    add("--count", type=int, default=1000, help="sizes of photographs for memory")
    add("--side", type=int, default=1024, help="pixels along a side of these, at most")
    add("--connections", type=_counts, default=[1, 8, 32, 128], help="for small requests")
    add("--seconds", type=float, default=4, help="of each measurement, after a warm-up")
    add("--out", type=Path, default=ROOT / "benchmarks/results", help="folder to write into")
    return parser


def _names(text: str) -> list[str]:
    names = text.split(",")
    if unknown := sorted(set(names) - set(PARTS)):
        raise argparse.ArgumentTypeError(
            f"expected some of {', '.join(PARTS)}, received {', '.join(unknown)}"
        )
    return [name for name in PARTS if name in names]


def _sizes(text: str) -> list[float]:
    return sorted({float(size) for size in text.split(",")})


def _counts(text: str) -> list[int]:
    return sorted({int(count) for count in text.split(",")})
