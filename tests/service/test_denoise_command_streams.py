"""python -m service denoise: standard streams, signals and terminals."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from service.cli import main
from tests.service.command_files import FILES, files, folder_in, model_in
from tests.service.photograph_files import (
    encoded,
    opened,
)
from tests.service.running import ROOT

MANY = 2000
"""Files of one that takes longer than a busy machine may keep a test waiting."""


@pytest.fixture
def model(tmp_path: Path) -> list[str]:
    return model_in(tmp_path / "models")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return folder_in(tmp_path / "in")


def _started(
    *arguments: str,
    stdin: int | None = None,
    stdout: int | None = None,
    stderr: int | None = None,
) -> "subprocess.Popen[bytes]":
    words = [sys.executable, "-m", "service", "denoise", *arguments]
    return subprocess.Popen(words, cwd=ROOT, stdin=stdin, stdout=stdout, stderr=stderr)


def test_standard_input_goes_to_standard_output(
    folder: Path, tmp_path: Path, model: list[str]
) -> None:
    assert main(["denoise", str(folder / "a.png"), "-o", str(tmp_path / "a.webp"), *model]) == 0
    pipe = subprocess.PIPE
    pipes = {"stdin": pipe, "stdout": pipe, "stderr": pipe}
    with _started("-", "-o", "-", "--format=webp", *model, **pipes) as process:
        written, told = process.communicate(FILES["colour.png"], 60)
    assert (process.returncode, told) == (0, b"")
    assert written == (tmp_path / "a.webp").read_bytes()
    with _started("-", "-o", "-", *model, **pipes) as process:
        written, told = process.communicate(b"none", 60)
    assert (process.returncode, written) == (1, b"")
    assert told.startswith(b"standard input: picture: Another format is not read here")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "redirection", "status", "fault"),
    [
        ("-", "<&-", 2, "IN: expected an open standard input, received a closed one"),
        ("a.png", "2>&-", 0, ""),
        ("a.png missing.png", "2>&-", 1, ""),
        ("a.png empty", "2>&-", 1, ""),
    ],
)
def test_a_stream_that_is_closed_ends_in_no_traceback(
    folder: Path, model: list[str], arguments: str, redirection: str, status: int, fault: str
) -> None:
    (folder / "empty").mkdir()
    output = "out" if "a.png" in arguments else "out.png"
    flags = " ".join(model)
    ended = subprocess.run(
        f'exec "{sys.executable}" -m service denoise {arguments} -o {output} {flags} {redirection}',
        shell=True,
        check=False,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stdout) == (status, "")
    assert ended.stderr == (f"Invalid value: {fault}\n" if fault else "")
    assert (folder / "out" / "a.png").exists() == ("a.png" in arguments)


def test_being_stopped_leaves_whole_files_alone(tmp_path: Path, model: list[str]) -> None:
    source, output = tmp_path / "many", tmp_path / "out"
    source.mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (400, 400, 3), np.uint8)
    body = encoded(Image.fromarray(noise), "JPEG", quality=90)
    (source / "0.jpg").write_bytes(body)
    for number in range(1, MANY):
        (source / f"{number}.jpg").hardlink_to(source / "0.jpg")
    flags = ["--format=png", *model]
    with _started(str(source), "-o", str(output), *flags, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 60
        while not (output.exists() and files(output)) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert (process.returncode, told) == (130, b"stopped\n")
    written = [path for path in output.iterdir() if opened(path.read_bytes()).size == (400, 400)]
    assert 0 < len(written) == len(files(output)) < MANY


@pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal of its own")
def test_a_terminal_sees_how_many_megapixels_are_done(tmp_path: Path, model: list[str]) -> None:
    import pty
    import termios

    source = tmp_path / "in"
    source.mkdir()
    for name in ("a.png", "b.png"):
        picture = Image.new("RGB", (1000, 1000), "gray")
        (source / name).write_bytes(encoded(picture, "PNG"))
    (source / "c.png").write_bytes(b"none")
    terminal, end = pty.openpty()
    termios.tcsetwinsize(end, (24, 100))
    with _started(str(source), "-o", str(tmp_path / "out"), *model, stderr=end) as process:
        os.close(end)
        seen = b""
        while part := _read(terminal):
            seen += part
        os.close(terminal)
    assert process.returncode == 1
    lines = [line for line in seen.decode().replace("\r", "\n").splitlines() if line]
    assert any("0.0 of 2.0 MP" in line for line in lines)
    assert [line for line in lines if "MP" in line][-1].startswith("100% |")
    assert any("2.0 of 2.0 MP" in line for line in lines)
    assert any(line.startswith(f"{source / 'c.png'}: picture: Another format") for line in lines)
    assert lines[-1] == "written: 2, failed: 1, skipped as other files: 0"


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # as it ends
        return b""
