"""The CPUs that a process may use, by its affinity and its container's quota."""

import os
from pathlib import Path

import pytest

from service import cpus


@pytest.mark.parametrize(
    ("content", "expected"),
    [("200000 100000", 2), ("250000 100000", 2), ("50000 100000", 1), ("max 100000", None)],
)
def test_the_quota_of_a_container_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str, expected: int | None
) -> None:
    path = tmp_path / "cpu.max"
    path.write_text(content)
    monkeypatch.setattr(cpus, "CPU_MAX", path)
    assert cpus.cgroup_quota() == expected


def test_without_a_quota_the_affinity_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(cpus, "CPU_MAX", tmp_path / "nothing")
    assert cpus.cgroup_quota() is None
    assert cpus.usable_cpus() == len(os.sched_getaffinity(0))


def test_a_quota_below_one_cpu_still_leaves_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "cpu.max"
    path.write_text("50000 100000")
    monkeypatch.setattr(cpus, "CPU_MAX", path)
    assert cpus.usable_cpus() == 1
