"""Nothing is reported to others: ONNX Runtime's telemetry is off."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

AT_THE_END = """
import atexit, os, runpy
atexit.register(lambda: print(os.environ.get("ORT_DISABLE_TELEMETRY")))
runpy.run_module({!r}, run_name="__main__")
"""


def _environment(home: Path, **variables: str) -> dict[str, str]:
    """Leave out what tells ONNX Runtime of continuous integration, where it reports nothing."""
    return {"HOME": str(home), "PATH": os.environ["PATH"]} | variables


@pytest.mark.parametrize(("given", "then"), [({}, "1"), ({"ORT_DISABLE_TELEMETRY": "0"}, "0")])
@pytest.mark.parametrize("package", ["service", "training"])
def test_commands_turn_it_off_unless_told_otherwise(
    root: Path, tmp_path: Path, package: str, given: dict[str, str], then: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", AT_THE_END.format(package), "--help"],
        cwd=root,
        env=_environment(tmp_path, **given),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == then


@pytest.mark.slow
def test_onnx_runtime_makes_no_identifier_of_the_device(root: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "service", "models", "--device", "cpu"],
        cwd=root,
        env=_environment(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "photo 2: denoise, estimate on CPUExecutionProvider" in done.stdout
    assert list(tmp_path.rglob("*")) == []
