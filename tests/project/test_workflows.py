"""The workflows: what runs on a push, and what a release needs before it is published."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.programs import REQUIRED, program

PACKAGES = {"nginx", "haproxy", "nftables", "prometheus"}
"""Of Ubuntu, for tests that are skipped without them."""


def workflow(root: Path, name: str) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load(
        (root / ".github" / "workflows" / f"{name}.yml").read_text()
    )
    return found


@pytest.mark.parametrize("job", ["test", "coverage"])
def test_programs_are_installed_and_no_test_is_skipped_for_want_of_them(
    root: Path, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = workflow(root, "test")["jobs"][job]["steps"]
    (run,) = (each for each in steps if each.get("run") in (".ci/run", "make coverage"))
    assert steps[steps.index(run) - 1] == {"run": ".ci/programs"}
    assert set((root / ".ci" / "programs").read_text().split()) >= PACKAGES
    monkeypatch.delenv(REQUIRED, raising=False)
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    for environment, outcome in (({}, pytest.skip), (run["env"], pytest.fail)):
        for each, value in environment.items():
            monkeypatch.setenv(each, value)
        with pytest.raises(outcome.Exception, match="needs nginx"):
            program("nginx")


def test_a_release_is_published_after_the_tests_of_its_commit(root: Path) -> None:
    release = workflow(root, "release")
    assert release[True] == {"push": {"tags": ["v[0-9]*"]}}
    assert "workflow_call" in workflow(root, "test")[True]
    jobs = release["jobs"]
    assert jobs["test"] == {"uses": "./.github/workflows/test.yml"}
    assert set(jobs["publish"]["needs"]) == {"test", "files"}


def test_no_action_of_others_may_write(root: Path) -> None:
    """A tag of an action can be moved: where something can be written, none runs."""
    for path in (root / ".github" / "workflows").glob("*.yml"):
        found = workflow(root, path.stem)
        assert set(found["permissions"].values()) == {"read"}
        for name, job in found["jobs"].items():
            if "write" in job.get("permissions", {}).values():
                assert all("uses" not in step for step in job["steps"]), (path.name, name)
            for step in job.get("steps", ()):
                if step.get("uses", "").startswith("actions/checkout@"):
                    assert step["with"]["persist-credentials"] is False


def test_releases_are_made_by_the_python_that_the_document_names(root: Path) -> None:
    (setup,) = (
        step
        for step in workflow(root, "release")["jobs"]["files"]["steps"]
        if "python-version" in step.get("with", {})
    )
    command = f"make PYTHON=python{setup['with']['python-version']} release AUDIT=no"
    assert command in (root / "docs" / "releases.md").read_text()


def test_what_is_pinned_is_audited_every_week(root: Path) -> None:
    found = workflow(root, "audit")
    assert found[True]["schedule"]
    (job,) = found["jobs"].values()
    assert "make audit" in [step.get("run") for step in job["steps"]]
