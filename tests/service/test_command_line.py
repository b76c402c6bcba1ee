"""python -m service, and the settings that it takes from flags and the environment."""

from pathlib import Path

import pytest

from service.__main__ import main
from service.settings import Settings
from tests.service.tiny import write_model

CPU = ["--device", "cpu"]


def test_models_are_listed(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--models", str(models), *CPU]) == 0
    assert "half 2: encode, decode, denoise on CPUExecutionProvider" in capsys.readouterr().out


def test_the_doctor_finds_a_service_that_can_run(
    models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--models", str(models)]) == 0
    assert "in use: CPUExecutionProvider" in capsys.readouterr().out


def test_the_doctor_says_that_there_is_nothing_to_serve(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--models", str(tmp_path)]) == 1
    assert "-> no model" in capsys.readouterr().out


def test_a_service_that_cannot_start_says_why_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--models", str(tmp_path), *CPU]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"Cannot start: {tmp_path}: expected folders")


def test_a_default_model_that_does_not_exist_is_found_at_the_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_model(tmp_path, "mirror")
    assert main(["serve", "--models", str(tmp_path), "--default-encode", "x", *CPU]) == 1
    assert "default_encode" in capsys.readouterr().err


def test_settings_that_cannot_be_used_are_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--port", "http"]) == 2
    error = capsys.readouterr().err
    assert "--port (SERVICE_PORT)" in error
    assert "received 'http'" in error


def test_flags_override_the_environment(
    models: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SERVICE_MODELS", "/nowhere")
    monkeypatch.setenv("SERVICE_DEVICE", "cpu")
    assert Settings().models == Path("/nowhere")
    assert main(["models", "--models", str(models)]) == 0
    assert "mirror 1" in capsys.readouterr().out
