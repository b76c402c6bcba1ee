"""The distributions hold both packages and the shipped models, and the commands are declared."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest


def _build(source: Path, target: str, folder: Path) -> Path:
    """Build a wheel or an sdist with the installed hatchling: nothing is downloaded."""
    build = (sys.executable, "-m", "hatchling", "build", "--target", target, "--directory")
    subprocess.run([*build, folder], cwd=source, check=True, capture_output=True)
    [path] = folder.iterdir()
    return path


def _names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def _files(folder: Path) -> set[str]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {p.relative_to(folder).as_posix() for p in paths if "__pycache__" not in p.parts}


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _build(root, "wheel", tmp_path_factory.mktemp("wheel"))


def test_the_wheel_holds_both_packages_and_the_models_and_nothing_else(
    root: Path, wheel: Path
) -> None:
    expected = {
        f"{inside}/{name}"
        for inside, folder in (
            ("service", "service"),
            ("training", "training"),
            ("service/models", "models"),
        )
        for name in _files(root / folder)
    }
    assert _names(wheel) == expected
    assert {"service/py.typed", "training/py.typed", "service/models/photo/2/manifest.json"} <= (
        expected
    )


def test_the_wheel_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size < 28_000_000


def test_the_summary_names_what_the_readme_begins_with(root: Path, wheel: Path) -> None:
    _, sentence = (root / "README.md").read_text().split("An HTTP service that ", 1)
    what = sentence.partition(" of any size")[0]
    with zipfile.ZipFile(wheel) as archive:
        [path] = (name for name in archive.namelist() if name.endswith("METADATA"))
        text = archive.read(path).decode()
    [summary] = (line for line in text.splitlines() if line.startswith("Summary: "))
    assert what == "removes noise from photographs"
    assert summary.lower().startswith(f"summary: {what}")


def test_the_wheel_declares_both_commands(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        [path] = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
        text = archive.read(path).decode()
    assert {line.split(" = ")[0] for line in text.splitlines() if " = " in line} == {
        "autoencoder-service",
        "autoencoder-train",
    }


@pytest.mark.slow
def test_an_sdist_builds_the_same_wheel(root: Path, wheel: Path, tmp_path: Path) -> None:
    for name in ("sdist", "unpacked", "wheel"):
        (tmp_path / name).mkdir()
    with tarfile.open(_build(root, "sdist", tmp_path / "sdist")) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    [source] = (tmp_path / "unpacked").iterdir()
    assert _names(_build(source, "wheel", tmp_path / "wheel")) == _names(wheel)
