"""The recipe of the container images: what they are built from, and how they run and end."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from service.settings import Settings


@pytest.fixture(scope="module")
def recipe(root: Path) -> str:
    """The Dockerfile, a line for each instruction."""
    return (root / "Dockerfile").read_text().replace("\\\n", " ")


def _copied(recipe: str) -> list[str]:
    """Return what the image takes from the clone, with default arguments and as globs."""
    defaults = dict(re.findall(r"^ARG (\w+)=(\S*)$", recipe, re.MULTILINE))
    words = [line.split()[1:-1] for line in recipe.splitlines() if line.startswith("COPY ")]
    taken = [each for line in words if not line[0].startswith("--from") for each in line]
    return [
        re.sub(r"\$\{(\w+)\}", lambda match: defaults[match[1]], each)
        for each in taken
        if not each.startswith("--")
    ]


def test_whatever_is_copied_is_there_and_reaches_the_build(root: Path, recipe: str) -> None:
    lines = (root / ".dockerignore").read_text().splitlines()
    assert lines[0] == "*"
    sent = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copied = _copied(recipe)
    assert {"service", "models", "deploy/requirements/service-cpu.txt"} <= set(copied)
    for each in copied:
        assert list(root.glob(each)), f"{each}: expected a file or a folder, received none"
        assert any(each == place or each.startswith(f"{place}/") for place in sent)


def test_files_that_only_their_owner_can_read_are_opened_to_the_user_of_the_image(
    recipe: str,
) -> None:
    code = re.findall(r"^COPY (.*)(?:service|training|models) \S+$", recipe, re.MULTILINE)
    assert code == ["--chmod=755 "] * 3


def test_the_recipe_follows_the_rules_of_hadolint(root: Path) -> None:
    hadolint = shutil.which("hadolint", path=Path(sys.executable).parent) or shutil.which(
        "hadolint"
    )
    if hadolint is None:
        pytest.skip("needs hadolint, which has no wheel for this platform")
    checked = subprocess.run(
        [hadolint, "--no-color", root / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout) == (0, "")


def test_images_say_what_they_are(recipe: str) -> None:
    for stage in ("training", "service"):
        text = re.split(rf"^FROM base AS {stage}$", recipe, flags=re.MULTILINE)[1]
        labels = set(re.findall(r"org\.opencontainers\.image\.(\w+)=", text.split("\nFROM ")[0]))
        assert labels == {"title", "description", "version", "revision", "licenses"}


def test_the_recipe_needs_no_compiler_no_curl_and_no_architecture(root: Path, recipe: str) -> None:
    assert not re.findall(
        r"\b(apt-get|gcc|g\+\+|curl|wget|amd64|arm64|aarch64|TARGETARCH)\b", recipe
    )
    assert recipe.count("install ") - recipe.count("uninstall ") == recipe.count(
        "--require-hashes --only-binary :all:"
    ) + recipe.count("install -d")
    assert re.search(r'^HEALTHCHECK .*CMD \["python", "-c", ', recipe, re.MULTILINE)
    assert "x86_64" not in (root / "deploy" / "trim.py").read_text()


def test_images_run_without_privileges_and_get_their_signals(recipe: str) -> None:
    for stage in ("training", "service"):
        text = re.split(rf"^FROM base AS {stage}$", recipe, flags=re.MULTILINE)[1]
        stage_only = text.split("\nFROM ")[0]
        assert re.findall(r"^USER (\d+):", stage_only, re.MULTILINE) == ["10001"]
        # In exec form no shell stands between the engine and the service.
        assert re.search(r'^(CMD|ENTRYPOINT) \["python", "-m"', stage_only, re.MULTILINE)
    assert re.findall(r"^FROM \S+ AS (\S+)$", recipe, re.MULTILINE)[-1] == "service"


JOBS_AND_EXPORTS = 15
"""Seconds that requeuing jobs and exporting the last spans may take: docs/operations.md."""


def test_an_engine_waits_for_a_graceful_shutdown(root: Path) -> None:
    text = (root / "docker-compose.yml").read_text()
    [grace] = re.findall(r"stop_grace_period: (\d+)s", text)
    fields = Settings.model_fields
    requests = fields["shutdown_seconds"].default + fields["drain_seconds"].default
    assert int(grace) > requests + JOBS_AND_EXPORTS


def test_images_differ_by_requirements_and_extras_alone(root: Path, recipe: str) -> None:
    text = (root / "docker-compose.yml").read_text()
    named = re.findall(r"^ +REQUIREMENTS: (\S+)$", text, re.MULTILINE)
    assert named == ["service-openvino.txt", "service-gpu.txt"]
    for each in (*named, "service-cpu.txt"):
        assert (root / "deploy" / "requirements" / each).is_file()
    assert text.count("EXTRAS: ${EXTRAS:-}") == text.count("target: service")
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    [extras] = re.findall(r"^# (.*), separated by commas$", recipe, re.MULTILINE)
    assert set(extras.split(", ")) <= project["optional-dependencies"].keys()
