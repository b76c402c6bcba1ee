"""The wheel and the sdist, byte for byte the same wherever and whenever they are built."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory


def build(source: Path, target: Path, time: int) -> None:
    """Build the wheel and the sdist twice, in different folders; keep them if they are equal.

    Args:
        source: The project's files.
        target: The folder for the wheel and the sdist.
        time: SOURCE_DATE_EPOCH, the time of every file in them, in seconds since 1970
            (https://reproducible-builds.org/specs/source-date-epoch/).

    Raises:
        ValueError: They cannot be built, or differ.
    """
    with TemporaryDirectory() as folder:
        copy, again = Path(folder, "copy"), Path(folder, "again")
        shutil.copytree(source, copy, copy_function=shutil.copy)  # with other times
        _build(source, target, time)
        _build(copy, again, time)
        for path in sorted(again.iterdir()):
            if path.read_bytes() != (target / path.name).read_bytes():
                raise ValueError(
                    f"{path.name}: expected equal bytes of two builds, received others"
                )


def _build(source: Path, target: Path, time: int) -> None:
    """Build with the installed hatchling: nothing is downloaded."""
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--directory", target],
        cwd=source,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(time)},
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode:
        raise ValueError(f"expected a wheel and an sdist, received: {built.stderr.strip()}")
