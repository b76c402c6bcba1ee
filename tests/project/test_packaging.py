"""The wheel holds both packages whole, and nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built with the installed hatchling: nothing is downloaded."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory"]
    subprocess.run([*build, str(folder)], cwd=root, check=True, capture_output=True)
    [path] = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_holds_every_file_of_both_packages_and_nothing_else(
    root: Path, wheel: zipfile.ZipFile
) -> None:
    with wheel:
        inside = {name for name in wheel.namelist() if ".dist-info/" not in name}
    expected = {
        path.relative_to(root).as_posix()
        for package in ("service", "training")
        for path in (root / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert inside == expected
    assert {"service/app.py", "training/export.py"} <= inside
