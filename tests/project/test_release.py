"""`make release`: the same files from the same commit, with valid bills and notes."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zlib
from pathlib import Path

import pytest
import yaml
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from deploy.release import __main__ as program
from deploy.release import sbom

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="needs git")
FILES = {
    "pyproject.toml": """[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "autoencoder-service"
requires-python = ">=3.11"
dynamic = ["version"]
[tool.hatch.version]
path = "service/__init__.py"
[tool.hatch.build.targets.wheel]
packages = ["service"]
""",
    "service/__init__.py": '__version__ = "0.2.0"\n',
    "Dockerfile": "FROM python:3.13-slim-trixie AS base\n",
    "CHANGELOG.md": "# Changelog\n\n## [0.2.0] - 2026-12-01\n\n### Added\n\n- [Keys](docs/a.md).\n"
    "\n## [0.1.0] - 2026-11-01\n\n- All.\n",
    "deploy/requirements/service-cpu.txt": "one==1.0 \\\n    --hash=sha256:" + "1" * 64 + "\n"
    "two[a]==2.0 ; sys_platform == 'win32' \\\n    --hash=sha256:" + "2" * 64 + "\n"
    "three==3.0 ; platform_machine == 'aarch64' \\\n    --hash=sha256:" + "3" * 64 + "\n",
}
"""A project that is small, so that it is built at once."""


def _git(root: Path, *arguments: str) -> None:
    named = {
        f"GIT_{role}_{what}": "a" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    dated = {f"GIT_{role}_DATE": "1790000000 +0000" for role in ("AUTHOR", "COMMITTER")}
    environment = {**os.environ, **named, **dated, "GIT_CONFIG_GLOBAL": os.devnull}
    subprocess.run(["git", *arguments], cwd=root, env=environment, check=True, capture_output=True)


def _commit(root: Path, changelog: str = "") -> None:
    if changelog:
        (root / "CHANGELOG.md").write_text(changelog)
    _git(root, "add", ".")
    _git(root, "commit", "--message", "a")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    root = tmp_path / "clone"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    _git(tmp_path, "init", "clone")
    _commit(root)
    return root


def _made(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (root / program.TARGET).iterdir()}


@pytest.mark.slow
def test_a_release_follows_from_its_commit_alone(clone: Path, tmp_path: Path) -> None:
    _git(clone, "tag", "v0.2.0")
    assert "rehearsal" not in program.release(clone)
    made = _made(clone)
    assert made.keys() == {
        "autoencoder_service-0.2.0-py3-none-any.whl",
        "autoencoder_service-0.2.0.tar.gz",
        "release-notes.md",
        "sbom-service-cpu.cdx.json",
        "SHA256SUMS",
    }
    assert made["release-notes.md"] == b"### Added\n\n- Keys.\n"
    again = tmp_path / "elsewhere"
    _git(tmp_path, "clone", "clone", "elsewhere")
    (again / "service" / "__init__.py").write_text("changed")
    (again / "service" / "other.py").touch()
    assert "Not in it: 2 files that differ" in program.release(again)
    assert _made(again) == made
    checked = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    if shutil.which("sha256sum"):
        subprocess.run(checked, cwd=again / program.TARGET, check=True, capture_output=True)
    with tarfile.open(again / program.TARGET / "autoencoder_service-0.2.0.tar.gz") as sdist:
        assert {member.mtime for member in sdist} == {1790000000}
    bill = json.loads(made["sbom-service-cpu.cdx.json"])
    assert {each["purl"] for each in bill["components"]} == {
        "pkg:pypi/one@1.0",
        "pkg:pypi/three@3.0",
    }
    assert bill["metadata"]["component"]["version"] == "0.2.0"
    assert bill["metadata"]["timestamp"] == "2026-09-21T14:13:20+00:00"
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    assert validator.validate_str(json.dumps(bill)) is None
    bill["components"][0]["type"] = "wheel"
    assert validator.validate_str(json.dumps(bill)) is not None


@pytest.mark.parametrize(
    ("tag", "heading", "expected"),
    [
        ("v0.3.0", "[0.2.0] - 2026-12-01", r"tag: expected v0\.2\.0 as in .*, received v0\.3\.0"),
        ("v0.2.0", "[0.2.0] - unreleased", "expected a date for 0.2.0, received unreleased"),
        ("v0.2.0", "[0.2.0] - soon", "expected a date like .*, received 'soon'"),
        (
            "v0.2.0",
            "[0.1.0] - 2026-11-01",
            r"expected one heading ## \[0\.2\.0\], received 0\.1\.0",
        ),
    ],
)
def test_a_tag_that_does_not_fit_is_refused(
    clone: Path, tag: str, heading: str, expected: str
) -> None:
    _commit(clone, f"## {heading}\n\nChanges.\n")
    _git(clone, "tag", tag)
    with pytest.raises(ValueError, match=expected):
        program.release(clone)
    assert not (clone / program.TARGET).exists()


def test_a_version_without_changes_and_a_folder_without_commits_are_refused(
    clone: Path, tmp_path: Path
) -> None:
    _commit(clone, "## [0.2.0] - unreleased\n\n## [0.1.0] - 2026-11-01\n\nAll.\n")
    with pytest.raises(ValueError, match=r"expected changes in 0\.2\.0, received none"):
        program.release(clone)
    (tmp_path / "empty").mkdir()
    _git(tmp_path, "init", "empty")
    with pytest.raises(ValueError, match="expected a clone with a commit, received: fatal"):
        program.release(tmp_path / "empty")


@pytest.mark.parametrize("runtime", ["cpu", "gpu", "openvino"])
def test_a_bill_has_what_an_image_installs_and_nothing_of_other_systems(
    root: Path, runtime: str
) -> None:
    text = (root / "deploy" / "requirements" / f"service-{runtime}.txt").read_text()
    kept = sbom.installed(text, "3.13")
    pin = re.compile(r"^([a-z0-9._-]+)(?:\[.*\])?==", re.MULTILINE)
    names = set(pin.findall(text))
    assert {"uvloop", "pysimdjson", "numpy"} < names
    assert set(pin.findall(kept)) == names - {"colorama"}  # for Windows
    assert "pysimdjson" not in sbom.installed(text, "3.14")
    hashes = [line for line in text.splitlines() if "--hash" in line]
    assert len(hashes) - 2 == kept.count("--hash")


def test_a_tag_makes_a_release_by_the_same_command(root: Path) -> None:
    workflow = yaml.safe_load((root / ".github" / "workflows" / "release.yml").read_text())
    makes, publishes = (workflow["jobs"][each]["steps"] for each in ("files", "publish"))
    assert "make release" in [step.get("run") for step in makes]
    (kept,) = (step["with"] for step in makes if "upload-artifact" in step.get("uses", ""))
    assert Path(kept["path"]) == program.TARGET
    (step,) = publishes
    assert f'gh run download "$GITHUB_RUN_ID" --name {kept["name"]} --dir files' in step["run"]
    assert "files/* --verify-tag" in step["run"]
    assert f"files/{program.NOTES}" in step["run"]
    assert re.search(
        r"^release: .*\n\t.* -m deploy\.release$", (root / "Makefile").read_text(), re.MULTILINE
    )


def test_whoever_makes_a_release_is_told_by_what_its_bytes_are_made(clone: Path) -> None:
    said = program.release(clone).splitlines()
    version = ".".join(map(str, sys.version_info[:3]))
    assert f"Made by Python {version} and zlib {zlib.ZLIB_RUNTIME_VERSION}" in said
