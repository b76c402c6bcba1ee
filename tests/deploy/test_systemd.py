"""The unit of systemd: well-formed, hardened, and in agreement with the service's settings."""

import configparser
import os
import subprocess
import sys
from pathlib import Path

import pytest

from service.server.limits import BEYOND
from service.settings import Settings
from tests.deploy.chart import ROOT
from tests.programs import program

UNIT = ROOT / "deploy" / "systemd" / "autoencoder-service.service"
JOBS_AND_EXPORTS = 15
"""Seconds that requeuing jobs and exporting the last spans may take: docs/operations.md."""


@pytest.fixture(scope="module")
def unit() -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(UNIT)
    return parser["Service"]


def systemd_analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run systemd-analyze without a system that systemd has booted."""
    return subprocess.run(
        [program("systemd-analyze"), *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"SYSTEMD_COLORS": "0"},
    )


def test_systemd_finds_nothing_wrong(tmp_path: Path, unit: configparser.SectionProxy) -> None:
    installed = unit["ExecStart"].split()[0]
    there = tmp_path / UNIT.name  # whose program is there
    there.write_text(UNIT.read_text().replace(installed, sys.executable))
    verified = systemd_analyze("verify", "--man=no", "--recursive-errors=no", there)
    assert (verified.returncode, verified.stderr) == (0, "")


def test_little_of_the_system_is_within_reach() -> None:
    exposed = systemd_analyze("security", "--offline=true", "--threshold=20", UNIT)
    assert exposed.returncode == 0, exposed.stdout


def test_systemd_waits_for_a_graceful_shutdown(unit: configparser.SectionProxy) -> None:
    fields = Settings.model_fields
    requests = fields["drain_seconds"].default + fields["shutdown_seconds"].default
    assert int(unit["TimeoutStopSec"]) > requests + JOBS_AND_EXPORTS


def test_there_are_descriptors_for_all_connections(unit: configparser.SectionProxy) -> None:
    assert int(unit["LimitNOFILE"]) > Settings.model_fields["max_connections"].default + BEYOND
