"""Start and stop a contender's server, in a folder and a session of its own."""

import http.client
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.contenders import FOLDER, ROOT, Contender
from benchmarks.contenders.common.denoiser import Denoiser
from benchmarks.dialects import Request
from benchmarks.environments import Unavailable, tail
from benchmarks.images import Floats
from benchmarks.ports import free_ports
from benchmarks.processes import none_left

PATIENCE = 120.0
"""Seconds until the first right answer."""
TOLERANCE = 1e-5
"""How far a right answer may be from the model's output: batches of other sizes round otherwise."""


@dataclass(frozen=True)
class Server:
    """A contender that answers.

    request: what it is asked; body_file: its body. ready: seconds from its start to its first right
    answer. processes: gives the ids of all its processes. check: raises Unavailable unless the body
    of an answer holds the model's output.
    """

    url: str
    request: Request
    body_file: Path
    ready: float
    processes: Callable[[], set[int]]
    check: Callable[[bytes], None]


@contextmanager
def serving(contender: Contender, programs: Path, body: str, images: Floats) -> Iterator[Server]:
    """Start a contender and wait until it answers images rightly; end it afterwards.

    programs: the folder of its environment's programs. body: what to ask it in, of its bodies.
    Raises Unavailable where it does not take such bodies, does not start or answers wrongly.
    """
    if body not in contender.bodies:
        raise Unavailable(f"expected a server that takes {body}, received one that does not")
    path, dialect = contender.bodies[body]
    request, expected = dialect.ask(images), Denoiser()(images)
    port, port2 = free_ports(2)
    words = contender.command.format(bin=programs, port=port, port2=port2).split()
    url = f"http://127.0.0.1:{port}{path}"

    def check(answer: bytes) -> None:
        try:
            received = dialect.read(answer)
        except (EOFError, KeyError, TypeError, ValueError) as error:
            raise Unavailable(f"expected images, received {answer[:200]!r}: {error}") from error
        check_images(received, expected)

    # A short name: sockets are made in it, whose paths may be 107 characters long.
    scratch = Path(tempfile.mkdtemp(prefix="bench"))
    body_file = scratch / "body"
    body_file.write_bytes(request.body)
    try:
        with none_left() as started:
            began = time.perf_counter()
            process = _start(words, contender, len(images), scratch)
            try:
                answer = _first_answer(process, url, request, scratch / "log")
                ready = time.perf_counter() - began
                check(answer)
                yield Server(url, request, body_file, ready, started, check)
            finally:
                _stop(process)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def check_images(received: Floats, expected: Floats) -> None:
    """Raise Unavailable unless images are the model's output, up to rounding."""
    if received.shape != expected.shape:
        raise Unavailable(f"expected images {expected.shape}, received {received.shape}")
    error = np.abs(received - expected).max()
    if not error <= TOLERANCE:
        raise Unavailable(f"expected the model's output within {TOLERANCE}, received {error} off")


def _start(
    words: list[str], contender: Contender, images: int, scratch: Path
) -> "subprocess.Popen[bytes]":
    with (scratch / "log").open("wb") as log:
        return subprocess.Popen(
            words,
            cwd=contender.folder if contender.folder.is_dir() else ROOT,
            env={**_variables(contender, scratch), "IMAGES": str(images)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _first_answer(
    process: "subprocess.Popen[bytes]", url: str, request: Request, log: Path
) -> bytes:
    last = "none"
    give_up = time.perf_counter() + PATIENCE
    while time.perf_counter() < give_up:
        if process.poll() is not None:
            said = tail(log.read_text(errors="replace"))
            raise Unavailable(f"expected it to start, received exit {process.returncode}: {said}")
        with suppress(OSError, http.client.HTTPException):
            status, body = _post(url, request)
            if status == 200:
                return body
            last = f"{status} {body[:200]!r}"
        time.sleep(0.02)
    said = tail(log.read_text(errors="replace"))
    raise Unavailable(f"expected an answer within {PATIENCE:.0f} s, received {last}: {said}")


def _post(url: str, request: Request) -> tuple[int, bytes]:
    """The status and the body of the answer to a request on a connection of its own."""
    address, _, path = url.removeprefix("http://").partition("/")
    headers = dict(line.split(": ", 1) for line in request.headers)
    connection = http.client.HTTPConnection(address, timeout=PATIENCE)
    try:
        connection.request(
            "POST", f"/{path}", request.body, {"Content-Type": request.content_type, **headers}
        )
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Ask a server to stop, and give it some time to do so."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(10)


def _variables(contender: Contender, scratch: Path) -> dict[str, str]:
    """This process's variables, but what a server writes for itself goes to a folder that goes."""
    variables = {
        **os.environ,
        **contender.variables,
        "HOME": str(scratch),
        "XDG_STATE_HOME": str(scratch),
        "TMPDIR": str(scratch),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    if contender.folder.is_dir():
        variables["PYTHONPATH"] = str(FOLDER / "common")
    return variables
