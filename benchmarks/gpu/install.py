"""python3 -m benchmarks.gpu.install: an environment from the wheels of a bundle, without a network.

It needs the standard library and pip alone. Where the bundle has no libraries of CUDA, those of the
Python that runs it are used, as PyTorch brings them.
"""

import argparse
import importlib.util
import itertools
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Run the command line; return 1 where something is missing."""
    parser = argparse.ArgumentParser(prog="python3 -m benchmarks.gpu.install", description=__doc__)
    add = parser.add_argument
    add("--wheels", type=Path, default=ROOT / "dist/gpu/wheels", help="folder, with those in it")
    add("--into", type=Path, default=ROOT / ".venv/bench-gpu", help="environment to make")
    options = parser.parse_args()
    join(options.wheels)
    wheels = sorted(options.wheels.rglob("*.whl"))
    if not wheels:
        print(f"{options.wheels}: expected wheels, received none", file=sys.stderr)
        return 1
    venv.create(options.into, clear=True, symlinks=True)
    python = options.into / "bin/python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    offline = ["--no-index", "--no-deps", "--disable-pip-version-check"]
    subprocess.run([*pip, *offline, *map(str, wheels)], check=True)
    if not any(path.name.startswith("nvidia_cudnn") for path in wheels):
        print(link_libraries(options.into), file=sys.stderr)
    print(python)
    return 0


def join(folder: Path) -> None:
    """Put files together whose parts, NAME.part000 and so on, lie anywhere in a folder."""
    parts = sorted(folder.rglob("*.part*"), key=lambda path: path.name)
    for stem, some in itertools.groupby(parts, lambda path: path.stem):
        with (folder / stem).open("wb") as whole:
            for part in some:
                whole.write(part.read_bytes())


def link_libraries(environment: Path) -> str:
    """Let an environment have this Python's libraries of CUDA; return in words what was done."""
    found = importlib.util.find_spec("nvidia")
    places = list(found.submodule_search_locations or []) if found else []
    if not places:
        return "no libraries of CUDA in this Python: those that the system finds are used"
    paths = sysconfig.get_paths("venv", vars={"base": str(environment)})
    link = Path(paths["purelib"]) / "nvidia"
    link.symlink_to(places[0])
    return f"libraries of CUDA: {places[0]}"


if __name__ == "__main__":
    sys.exit(main())
