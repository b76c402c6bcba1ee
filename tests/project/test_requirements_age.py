"""Locked requirements still install when newer packages exist, with the oldest pip in use."""

import base64
import csv
import hashlib
import io
import os
import re
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.utils import canonicalize_name

# The pip of the first release of each Python, which is the oldest that a user can have.
OLDEST_PIP = {(3, 11): "22.3", (3, 12): "23.2.1", (3, 13): "24.2"}
# What the tests' own environment holds: their packages' metadata are at hand.
INSTALLED = ("service-cpu", "training", "bench", "dev")
# Before 23.3, pip downloads what it resolves: 0.6 to 3 GB for each of the others.
SMALL = ("service-cpu", "service-openvino", "bench", "lock", "pip")
WITH_DOWNLOADS = pytest.mark.skipif(
    "TEST_LARGE_DOWNLOADS" not in os.environ,
    reason="downloads gigabytes: set TEST_LARGE_DOWNLOADS to run it",
)
PIN = re.compile(r"^(?P<name>[a-z0-9._-]+)(?:\[.*?\])?==(?P<version>\S+)(?: ; (?P<marker>.+))? \\$")
RESOLVE = ("install", "--dry-run", "--quiet", "--require-hashes", "--only-binary", ":all:")

pytestmark = pytest.mark.slow


def _pip(python: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, "-m", "pip", "--disable-pip-version-check", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def _environment(folder: Path, *options: str) -> Path:
    """Make a virtual environment; return its Python."""
    subprocess.run([sys.executable, "-m", "venv", *options, folder], check=True)
    return folder / ("Scripts" if os.name == "nt" else "bin") / "python"


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with the pip that it bundles."""
    return _environment(tmp_path_factory.mktemp("bundled"))


@pytest.fixture(scope="module")
def oldest(bundled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with the oldest pip that a release of it bundles; skips where none can be had."""
    python = _environment(tmp_path_factory.mktemp("oldest"), "--without-pip")
    version = OLDEST_PIP[sys.version_info[:2]]
    installed = _pip(bundled, "--python", python, "install", "--quiet", f"pip=={version}")
    if installed.returncode:
        pytest.skip(f"needs a package index, to install pip {version}")
    return python


def _write_wheel(folder: Path, name: str, described: bytes, version: str) -> str:
    """Write a wheel that is nothing but a package's metadata; return its SHA-256."""
    stem = f"{canonicalize_name(name).replace('-', '_')}-{version}"
    content = re.sub(rb"(?m)^Version: .*$", b"Version: " + version.encode(), described, count=1)
    files = {
        f"{stem}.dist-info/METADATA": content,
        f"{stem}.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any",
    }
    record = io.StringIO()
    rows = csv.writer(record, lineterminator="\n")
    for inner, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        rows.writerow([inner, f"sha256={digest}", len(data)])
    rows.writerow([f"{stem}.dist-info/RECORD", "", ""])
    files[f"{stem}.dist-info/RECORD"] = record.getvalue().encode()
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for inner, data in files.items():
            wheel.writestr(inner, data)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _aged(lock: str, folder: Path) -> str:
    """Return a lock of the same pins, for wheels of bare metadata written into a folder.

    Beside the version that is pinned, the folder has one of each package that is newer.
    """
    lines = []
    for match in filter(None, map(PIN.match, lock.splitlines())):
        name, version, marker = match.group("name", "version", "marker")
        if marker and not Marker(marker).evaluate():
            continue
        described = (metadata.distribution(name).read_text("METADATA") or "").encode()
        digest = _write_wheel(folder, name, described, version)
        _write_wheel(folder, name, described, f"{version.split('+')[0]}.post99")
        lines += [match[0], f"    --hash=sha256:{digest}"]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", INSTALLED)
def test_a_lock_outlives_newer_versions_of_its_packages(
    root: Path, bundled: Path, tmp_path: Path, name: str
) -> None:
    lock = tmp_path / "lock.txt"
    (tmp_path / "wheels").mkdir()
    text = (root / "deploy" / "requirements" / f"{name}.txt").read_text()
    lock.write_text(_aged(text, tmp_path / "wheels"))
    result = _pip(
        bundled,
        *("--isolated", *RESOLVE, "--no-index"),
        *("--find-links", tmp_path / "wheels", "--requirement", lock),
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    "name",
    [
        name if name in SMALL else pytest.param(name, marks=WITH_DOWNLOADS)
        for name in (*INSTALLED, "service-gpu", "service-openvino", "lock", "pip")
    ],
)
def test_a_lock_resolves_with_the_oldest_pip(root: Path, oldest: Path, name: str) -> None:
    lock = root / "deploy" / "requirements" / f"{name}.txt"
    result = _pip(oldest, *RESOLVE, "--requirement", lock)
    assert result.returncode == 0, result.stderr
