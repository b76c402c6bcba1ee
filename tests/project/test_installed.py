"""The wheel in a fresh environment, far from the clone: its commands and its models."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from service import __version__

pytestmark = pytest.mark.slow
COMMANDS = ("autoencoder-service", "autoencoder-train")
PIN = re.compile(r"^([a-z0-9._-]+)(?:\[.*?\])?(==\S+)", re.MULTILINE)


def _run(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    outside = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(words, cwd=cwd, env=outside, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def scripts(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of commands of an environment with the wheel; skips without a package index."""
    folder = tmp_path_factory.mktemp("installed")
    build = (sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory")
    subprocess.run([*build, folder], cwd=root, check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")
    # Whatever the wheel asks for, in the versions that are locked.
    locked = (root / "deploy" / "requirements" / "service-cpu.txt").read_text()
    constraints = folder / "constraints.txt"
    constraints.write_text("".join(f"{name}{pin}\n" for name, pin in PIN.findall(locked)))
    subprocess.run([sys.executable, "-m", "venv", folder / "environment"], check=True)
    scripts = folder / "environment" / ("Scripts" if os.name == "nt" else "bin")
    pip: list[str | Path] = [scripts / "python", "-m", "pip", "--disable-pip-version-check"]
    if _run(*pip, "download", "--quiet", "--no-deps", "numpy", cwd=folder).returncode:
        pytest.skip("needs a package index")
    options = ("--quiet", "--only-binary", ":all:", "--constraint", constraints)
    installed = _run(*pip, "install", *options, f"{wheel}[cpu]", cwd=folder)
    assert installed.returncode == 0, installed.stderr
    return scripts


@pytest.mark.parametrize("command", COMMANDS)
def test_an_installed_command_goes_by_its_own_name(
    scripts: Path, tmp_path: Path, command: str
) -> None:
    version = _run(scripts / command, "--version", cwd=tmp_path)
    assert (version.returncode, version.stdout) == (0, f"{command} {__version__}\n")
    usage = _run(scripts / command, "--help", cwd=tmp_path)
    assert usage.returncode == 0, usage.stderr
    assert usage.stdout.startswith(f"usage: {command} ")


def test_the_installed_service_finds_every_shipped_model(
    scripts: Path, tmp_path: Path, root: Path
) -> None:
    result = _run(scripts / "autoencoder-service", "models", "--device", "cpu", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    shipped = {folder.name for folder in (root / "models").iterdir()}
    assert {line.split()[0] for line in result.stdout.splitlines()} == shipped


def test_the_installed_doctor_is_content(scripts: Path, tmp_path: Path) -> None:
    result = _run(scripts / "autoencoder-service", "doctor", "--device", "cpu", cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_installed_service_denoises_a_photograph_as_the_clone_does(
    scripts: Path, tmp_path: Path, root: Path
) -> None:
    noisy = root / "docs" / "examples" / "photo-noisy.jpg"
    options = ("denoise", "--device", "cpu", noisy, "-o")
    mine = _run(scripts / "autoencoder-service", *options, tmp_path / "mine.png", cwd=tmp_path)
    assert mine.returncode == 0, mine.stderr
    theirs = _run(sys.executable, "-m", "service", *options, tmp_path / "theirs.png", cwd=root)
    assert theirs.returncode == 0, theirs.stderr
    assert (tmp_path / "mine.png").read_bytes() == (tmp_path / "theirs.png").read_bytes()
