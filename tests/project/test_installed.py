"""The wheel in a fresh environment, far from the clone: its commands and its models."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from service import __version__
from tests.documents import ROOT, left_to

pytestmark = pytest.mark.slow
RUNNER = Path(__file__).relative_to(ROOT).as_posix()
BUILD = ("-m", "hatchling", "build")
COMMANDS = ("autoencoder-service", "autoencoder-train")
PIN = re.compile(r"^([a-z0-9._-]+)(?:\[.*?\])?(==\S+)", re.MULTILINE)


Pip = tuple[str | Path, ...]


def _run(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    outside = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(words, cwd=cwd, env=outside, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = (sys.executable, *BUILD, "--target", "wheel", "--directory")
    subprocess.run([*build, folder], cwd=root, check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def constraints(root: Path, wheel: Path) -> Path:
    """A file of whatever the wheel asks for, in the versions that are locked."""
    locked = (root / "deploy" / "requirements" / "service-cpu.txt").read_text()
    file = wheel.with_name("constraints.txt")
    file.write_text("".join(f"{name}{pin}\n" for name, pin in PIN.findall(locked)))
    return file


def _environment(folder: Path, *options: str) -> Path:
    """Make an environment; return its folder of commands."""
    subprocess.run([sys.executable, "-m", "venv", *options, folder], check=True)
    return folder / ("Scripts" if os.name == "nt" else "bin")


def _install(pip: Pip, constraints: Path, *requirement: str | Path) -> None:
    options = ("--quiet", "--only-binary", ":all:", "--constraint", constraints)
    installed = _run(*pip, "install", *options, *requirement, cwd=constraints.parent)
    assert installed.returncode == 0, installed.stderr


@pytest.fixture(scope="module")
def scripts(wheel: Path, constraints: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of commands of an environment that serves; skips without a package index."""
    scripts = _environment(tmp_path_factory.mktemp("installed") / "environment")
    pip: Pip = (scripts / "python", "-m", "pip", "--disable-pip-version-check")
    if _run(*pip, "download", "--quiet", "--no-deps", "numpy", cwd=wheel.parent).returncode:
        pytest.skip("needs a package index")
    _install(pip, constraints, f"{wheel}[cpu]")
    return scripts


@pytest.fixture(scope="module")
def bare(
    scripts: Path, wheel: Path, constraints: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The folder of commands of an environment without extras, made as docs/client.md says."""
    [block] = left_to(ROOT / "docs" / "client.md", RUNNER)
    make, install = (shlex.split(line) for line in block.text.splitlines())
    assert make == ["make", "build"]
    assert " ".join(BUILD) in (ROOT / "Makefile").read_text()
    assert install[:4] == ["pip", "install", "--find-links", "dist"]
    bare = _environment(tmp_path_factory.mktemp("bare") / "environment", "--without-pip")
    into = ("--python", bare / "python")
    pip: Pip = (scripts / "python", "-m", "pip", "--disable-pip-version-check", *into)
    _install(pip, constraints, "--find-links", wheel.parent, *install[4:])
    return bare


def test_without_extras_the_client_works_and_commands_name_what_they_need(
    bare: Path, tmp_path: Path, root: Path, address: str
) -> None:
    listing = "from importlib.metadata import distributions as d; print(*{i.name for i in d()})"
    names = set(_run(bare / "python", "-c", listing, cwd=tmp_path).stdout.split())
    assert {"httpx", "numpy"} <= names
    assert not {"fastapi", "onnxruntime", "pillow", "pydantic", "uvicorn"} & names
    program = f"""
from service.client import Client
with Client("{address}") as client:
    result = client.denoise({str(root / "docs" / "examples" / "photo-noisy.jpg")!r}, format="png")
    print(result.model, len(client.models()), result.save("clean.png"))
"""
    result = _run(bare / "python", "-W", "error", "-c", program, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"photo {len(list((root / 'models').glob('*/*')))} clean.png\n"
    closed = program.replace('.save("clean.png")', ".array()")
    result = _run(bare / "python", "-c", closed, cwd=tmp_path)
    assert "expected Pillow to be installed for image/png, received none" in result.stderr
    assert 'pip install pillow, or ask for an array by format="npy"' in result.stderr
    for command in COMMANDS:
        refused = _run(bare / command, "--version", cwd=tmp_path)
        assert refused.returncode == 1
        assert "pip install --find-links dist 'autoencoder-service[cpu" in refused.stderr


def test_without_extras_the_programs_of_the_page_on_clients_work(
    bare: Path, tmp_path: Path, root: Path, address: str
) -> None:
    (tmp_path / "docs").symlink_to(root / "docs")
    (tmp_path / "try").mkdir()
    page = (root / "docs" / "client.md").read_text()
    programs = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert programs
    for program in programs:
        shown = program.replace("http://127.0.0.1:8000", address)
        result = _run(bare / "python", "-W", "error", "-c", shown, cwd=tmp_path)
        assert result.returncode == 0, result.stderr


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
