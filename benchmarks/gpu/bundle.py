"""python -m benchmarks.gpu.bundle: what a machine without a network needs, as a folder.

Wheels for the machine's Python (Linux, x86-64 unless told otherwise), and the graphs of 16 bits.
Run it on Linux: pip chooses by this system which packages a requirement is for.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.contenders import ROOT
from benchmarks.gpu.graphs import write
from service.inference.loader import newest
from service.manifest import Manifest

REQUIREMENTS = ROOT / "deploy/requirements/service-gpu.txt"
PIN = re.compile(
    r"^(?P<name>[a-z0-9][a-z0-9._-]*)(?:\[.*?\])?==.*?(?<!\\)$", re.MULTILINE | re.DOTALL
)
"""A requirement with its hashes: lines that end with a backslash go on."""
MODEL = "photo"
LIBRARIES = "nvidia-"
"""How the packages of CUDA and cuDNN are called."""
GLIBC = 28
"""The newest 2.X of glibc that wheels may need: Debian 10, RHEL 8 and newer have it."""
MEGABYTE = 1_000_000
PART = "{}.part{:03d}"


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu.bundle", description=__doc__)
    add = parser.add_argument
    add("--out", type=Path, default=ROOT / "dist/gpu", help="folder to write into")
    add("--python", default="{}.{}".format(*sys.version_info), help="version there, as 3.12")
    add("--machine", default="x86_64", choices=("x86_64", "aarch64"), help="processor there")
    add("--no-libraries", action="store_true", help="without CUDA's: PyTorch there has them")
    add("--part", type=int, default=0, help="spread over folders of so many MB, which travel alone")
    options = parser.parse_args()
    folder = newest(ROOT / "models")[MODEL]
    graph = folder / Manifest.read(folder).operations["denoise"].file
    write(graph, MODEL, options.out / "graphs")
    wheels = options.out / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    text = REQUIREMENTS.read_text()
    with tempfile.TemporaryDirectory() as scratch:
        wanted = Path(scratch) / "requirements.txt"
        wanted.write_text(without_libraries(text) if options.no_libraries else text)
        subprocess.run(download(wanted, wheels, options.python, options.machine), check=True)
    if options.part:
        spread(wheels, options.part * MEGABYTE)
    for folder in sorted({path.parent for path in options.out.rglob("*.*")} - {options.out}):
        print(f"{_bytes(folder) / MEGABYTE:9,.1f} MB  {folder}")


def without_libraries(requirements: str) -> str:
    """Return requirements without CUDA's and cuDNN's libraries."""
    return "\n".join(
        match[0] for match in PIN.finditer(requirements) if not match["name"].startswith(LIBRARIES)
    )


def download(wanted: Path, wheels: Path, python: str, machine: str) -> Sequence[str]:
    """Return the command that downloads wheels for another machine's Python, hashes checked."""
    older = [f"manylinux{name}_{machine}" for name in ("2014", "2010", "1")]
    newer = [f"manylinux_2_{minor}_{machine}" for minor in range(GLIBC, 4, -1)]
    platforms = [word for tag in (*newer, *older) for word in ("--platform", tag)]
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    target = ["--only-binary", ":all:", "--implementation", "cp", "--python-version", python]
    return [*pip, *target, *platforms, "--dest", str(wheels), "--requirement", str(wanted)]


def spread(wheels: Path, size: int) -> None:
    """Move the files of a folder into folders 0, 1 and so on in it, of at most so many bytes.

    A larger file becomes parts, which benchmarks.gpu.install joins.
    """
    files = [part for wheel in sorted(wheels.glob("*.whl")) for part in _split(wheel, size)]
    room: list[int] = []
    for file in sorted(files, key=lambda path: -path.stat().st_size):
        needs = file.stat().st_size
        place = next((place for place, left in enumerate(room) if left >= needs), len(room))
        if place == len(room):
            room.append(size)
            (wheels / str(place)).mkdir()
        room[place] -= needs
        file.rename(wheels / str(place) / file.name)


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())


def _split(path: Path, size: int) -> list[Path]:
    """Replace a file that is larger than so many bytes by parts of it; return what there is."""
    if path.stat().st_size <= size:
        return [path]
    parts: list[Path] = []
    with path.open("rb") as whole:
        while piece := whole.read(size):
            parts.append(path.with_name(PART.format(path.name, len(parts))))
            parts[-1].write_bytes(piece)
    path.unlink()
    return parts


if __name__ == "__main__":
    main()
