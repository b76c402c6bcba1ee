"""The top-level folder holds the expected files and folders, and nothing else."""

import shutil
import subprocess
from pathlib import Path

import pytest

REQUIRED = {
    "service", "training", "models", "tests",
    "Dockerfile", "docker-compose.yml", "pyproject.toml",
    "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "Makefile",
}  # fmt: skip
ALLOWED = REQUIRED | {"benchmarks", "docs", "deploy"}


def test_the_top_level_holds_only_what_belongs_there(root: Path) -> None:
    if not shutil.which("git") or not (root / ".git").exists():
        pytest.skip("needs a git checkout, to know which files are the project's")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    names = {path.split("/")[0] for path in listed.stdout.split("\0") if path}
    visible = {name for name in names if not name.startswith(".")}
    assert visible - ALLOWED == set()
    assert REQUIRED - visible == set()
