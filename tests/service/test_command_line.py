"""python -m service, and the settings that it takes from flags and the environment."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from service import __version__
from service.cli import main
from service.settings import Settings
from tests.service.running import ROOT
from tests.service.tiny import write_model

CPU = ["--device", "cpu"]


@pytest.mark.parametrize("command", ["serve", "denoise", "models", "doctor"])
def test_every_command_says_what_it_takes(capsys: pytest.CaptureFixture[str], command: str) -> None:
    for asked in (["--help"], [command, "--help"]):
        with pytest.raises(SystemExit) as ended:
            main(asked, prog="python -m service")
        assert ended.value.code == 0
        told = capsys.readouterr().out
        assert "None" not in told
        assert f"python -m service {command}" in told or f"\n    {command}  " in told
    assert "--models MODELS" in told
    assert "SERVICE_DEVICE" in told


def test_models_are_listed(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--models", str(models), *CPU]) == 0
    assert (
        "half 2: encode, decode, denoise, reconstruct on CPUExecutionProvider"
        in capsys.readouterr().out
    )


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


@pytest.mark.parametrize("command", ["serve", "models"])
def test_what_cannot_start_says_why_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert main([command, "--models", str(tmp_path), *CPU]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"Cannot start: {tmp_path}: expected folders")
    assert "SERVICE_MODELS (--models)" in line


def test_a_default_model_that_does_not_exist_is_found_at_the_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_model(tmp_path, "mirror")
    assert main(["serve", "--models", str(tmp_path), "--default-encode", "x", *CPU]) == 1
    error = capsys.readouterr().err
    assert (
        "SERVICE_DEFAULT_ENCODE (--default-encode): model: expected mirror, received 'x'" in error
    )


def test_settings_that_cannot_be_used_are_explained(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SERVICE_DEVICE", "gpu")
    assert main(["serve", "--port", "http", "--max-batch", "0", "--workers", "257"]) == 2
    port, *others = capsys.readouterr().err.splitlines()
    assert port.startswith("SERVICE_PORT (--port): expected a whole number")
    assert port.endswith("received 'http'")
    assert others == [
        "SERVICE_DEVICE (--device): expected 'auto', 'cuda', 'openvino' or 'cpu', received 'gpu'",
        "SERVICE_MAX_BATCH (--max-batch): expected at least 1, received '0'",
        "SERVICE_WORKERS (--workers): expected at most 256, received '257'",
    ]


def test_a_variable_that_is_no_setting_is_reported_with_those_most_like_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SERVICE_MAX_QUEU", "5")
    monkeypatch.setenv("SERVICE_TIMEOUT", "5")
    monkeypatch.setenv("service_log_level", "info")
    monkeypatch.setenv("SERVICE_PORT_8000_TCP_ADDR", "10.0.0.1")  # as Kubernetes may set it
    assert main(["serve", "--models", str(tmp_path), "--port=0", *CPU]) == 1
    warnings = [line for line in capsys.readouterr().err.splitlines() if "WARNING" in line]
    assert len(warnings) == 2
    (warning,) = (line for line in warnings if "SERVICE_MAX_QUEU:" in line)
    assert "SERVICE_MAX_QUEUE_ITEMS or SERVICE_MAX_QUEUE_BYTES" in warning


def test_the_level_of_the_log_is_taken_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_LOG_LEVEL", "INFO")
    assert Settings().log_level == "info"


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that is already in use."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_address_that_is_taken_is_named_with_its_settings(
    models: Path, taken: int, capsys: pytest.CaptureFixture[str], workers: str
) -> None:
    flags = [f"--port={taken}", f"--workers={workers}", f"--models={models}"]
    assert main(["serve", *flags, *CPU]) == 1
    *_, line = capsys.readouterr().err.splitlines()
    assert line.startswith("Cannot start: SERVICE_HOST (--host), SERVICE_PORT (--port): expected")
    assert f"received 127.0.0.1:{taken}: Address already in use" in line


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize(
    ("wrong", "status", "fault"),
    [
        ("--default-encode=x", 1, "SERVICE_DEFAULT_ENCODE (--default-encode): "),
        ("--device=cuda", 1, "SERVICE_DEVICE (--device): "),
        ("--models=/nowhere", 1, "SERVICE_MODELS (--models)"),
        ("--max-batch=0", 2, "SERVICE_MAX_BATCH (--max-batch): "),
    ],
)
def test_a_setting_that_is_wrong_is_named_before_an_address_that_is_taken(
    models: Path,
    taken: int,
    capsys: pytest.CaptureFixture[str],
    wrong: str,
    status: int,
    fault: str,
    workers: str,
) -> None:
    flags = [f"--port={taken}", f"--workers={workers}", f"--models={models}", *CPU, wrong]
    assert main(["serve", *flags]) == status
    told = capsys.readouterr().err
    assert fault in told.splitlines()[-1]
    assert "--port" not in told


def test_a_reader_that_has_seen_enough_ends_the_list_of_models_quietly(models: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [sys.executable, "-m", "service", "models", f"--models={models}", *CPU],
        check=False,
        cwd=ROOT,
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=60,
    )
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, b"")


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    ["--help", "--version", "serve --help", "models", "doctor", "denoise picture.png --output=-"],
)
@pytest.mark.parametrize(
    ("redirection", "fault"),
    [(">/dev/full", "No space left on device"), (">&-", "received a closed one")],
)
def test_standard_output_that_cannot_be_written_is_an_error_in_one_line(
    models: Path, tmp_path: Path, command: str, redirection: str, fault: str
) -> None:
    Image.new("L", (16, 16)).save(tmp_path / "picture.png")
    environment = {"SERVICE_MODELS": str(models), "SERVICE_DEVICE": "cpu", "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        f'exec "{sys.executable}" -m service {command} {redirection}',
        shell=True,
        check=False,
        cwd=tmp_path,
        env=os.environ | environment,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith("Cannot write: standard output: expected")
    assert line.endswith(fault)


def test_an_error_goes_nowhere_but_to_standard_error(tmp_path: Path) -> None:
    ended = subprocess.run(
        f'exec "{sys.executable}" -m service models --models={tmp_path} 2>&-',
        shell=True,
        check=False,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        timeout=60,
    )
    assert (ended.returncode, ended.stdout) == (1, b"")


@pytest.mark.parametrize("prog", ["autoencoder-service", "python -m service"])
def test_the_program_says_its_version_under_the_name_that_it_was_called_by(
    capsys: pytest.CaptureFixture[str], prog: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"], prog=prog)
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"{prog} {__version__}\n"


def test_flags_override_the_environment(
    models: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SERVICE_MODELS", "/nowhere")
    monkeypatch.setenv("SERVICE_DEVICE", "cpu")
    assert Settings().models == Path("/nowhere")
    assert main(["models", "--models", str(models)]) == 0
    assert "mirror 1" in capsys.readouterr().out
