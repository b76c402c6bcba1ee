"""JPEG 2000 is decoded in processes of their own: they hold up nobody, and end alone or in time."""

import asyncio
import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from service.errors import MalformedBody, ServiceError
from service.images import jp2_process
from service.images.decode import read
from service.images.jp2_process import Parts, decoded
from tests.service.asgi import lifespan
from tests.service.photograph_files import LIMIT, encoded, samples, smooth
from tests.service.running import ROOT

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/task").exists(), reason="expected Linux, which lists a process's children"
)

SIZE = (600, 400)
"""More than the pipe and the first part hold: until the rest is read, the process goes on."""
TIMEOUT = 60

Begun = tuple[int, Parts]


@pytest.fixture(scope="module")
def body() -> bytes:
    return encoded(smooth(size=SIZE), "JPEG2000")


def decoders() -> list[int]:
    """The processes that this one has for JPEG 2000, by their ids."""
    return [each.pid for each in tuple(jp2_process._running)]


def decoders_of(parent: int) -> list[int]:
    """The processes that another one has for JPEG 2000, by their ids."""
    found = []
    children = []
    for thread in Path(f"/proc/{parent}/task").iterdir():
        with contextlib.suppress(OSError):  # the thread has ended
            children += (thread / "children").read_text().split()
    for child in children:
        with contextlib.suppress(OSError):  # it has ended
            if b"jp2_child" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(int(child))
    return found


@pytest.fixture
def begun(body: bytes) -> Iterator[Begun]:
    """A process that has decoded a file, and the parts of it of which one was read."""
    parts = decoded("pillow", body, SIZE, 3, "RGB", "jp2", *map(str, SIZE))
    next(parts)
    (child,) = decoders()
    yield child, parts
    parts.close()
    assert not decoders()


def test_another_process_decodes(begun: Begun) -> None:
    child, parts = begun
    assert child != os.getpid()
    rest = [part for _, _, part in parts]
    assert rest
    assert not decoders()


def test_a_reader_that_stops_ends_the_process(begun: Begun) -> None:
    child, parts = begun
    parts.close()
    assert not Path(f"/proc/{child}").exists()


def test_signals_to_the_whole_service_leave_the_process_to_its_parent(begun: Begun) -> None:
    child, parts = begun
    for number in (signal.SIGTERM, signal.SIGINT):
        os.kill(child, number)
    assert sum(rows.stop - rows.start for rows, _, _ in parts) > 0


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT])
def test_a_file_that_crashes_its_decoder_is_damaged(
    begun: Begun, caplog: pytest.LogCaptureFixture, number: signal.Signals
) -> None:
    child, parts = begun
    os.kill(child, number)
    with pytest.raises(MalformedBody, match="a damaged one"):
        list(parts)
    assert f"crashed its decoder: {number.name}" in caplog.text


def stop_and_read(parts: Parts) -> None:
    for _ in parts:
        for child in decoders():
            os.kill(child, signal.SIGSTOP)


def test_a_process_that_hangs_is_ended(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(jp2_process, "SECONDS", 0.1)
        patch.setattr(jp2_process, "SECONDS_OF_MEGAPIXEL", 1)
        parts = decoded("pillow", body, SIZE, 3, "RGB", "jp2", *map(str, SIZE))
        with pytest.raises(MalformedBody, match=r"at most 0\.3 s to decode, received one that"):
            stop_and_read(parts)
    assert not decoders()
    assert read(body, LIMIT).pixels.shape == (400, 600, 3)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGSEGV, 400), (signal.SIGKILL, 500)])
async def test_requests_are_answered_during_decoding_and_after_its_process_was_killed(
    client: httpx.AsyncClient, body: bytes, number: signal.Signals, status: int
) -> None:
    async def send() -> httpx.Response:
        return await client.post("/denoise?fit=true", content=body)

    request = asyncio.create_task(send())
    while not (found := decoders()):
        assert not request.done(), request.result().text
        await asyncio.sleep(0.001)
    os.kill(found[0], signal.SIGSTOP)
    try:
        other = await client.post("/denoise", json={"inputs": np.zeros((1, 4, 4)).tolist()})
        assert other.status_code == 200
        assert not request.done(), request.result().text
    finally:
        os.kill(found[0], number)
        with contextlib.suppress(ProcessLookupError):  # SIGKILL ends it without
            os.kill(found[0], signal.SIGCONT)
    response = await request
    assert response.status_code == status
    code, detail = ("malformed-body", "a damaged one") if status == 400 else ("internal-error", "")
    assert response.json()["code"] == code
    assert (detail or "received SIGKILL") in response.json()["detail"]
    assert (await send()).status_code == 200


@pytest.mark.parametrize(
    ("program", "message"), [("/nowhere/python", "to start, received"), ("/bin/false", "status 1")]
)
def test_a_process_that_does_not_start_is_no_fault_of_the_file(
    body: bytes, monkeypatch: pytest.MonkeyPatch, program: str, message: str
) -> None:
    monkeypatch.setattr(sys, "executable", program)
    with pytest.raises(ServiceError, match=message) as caught:
        read(body, LIMIT)
    assert caught.value.status == 500


async def test_a_service_that_stops_ends_its_processes(
    client: httpx.AsyncClient, begun: Begun
) -> None:
    _, parts = begun
    async with lifespan(client):
        pass
    with pytest.raises(ServiceError, match="received SIGKILL"):
        list(parts)


PROGRAM = """
import sys
from pathlib import Path
from service.images.jp2_process import decoded
parts = decoded("pillow", Path(sys.argv[1]).read_bytes(), (600, 400), 3, "RGB", "jp2", "600", "400")
next(parts)
print("decoding", flush=True)
sys.stdin.read()
"""


def test_no_process_outlives_a_service_that_is_killed(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "file.jp2").write_bytes(body)
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "file.jp2")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe) as service:
        try:
            assert service.stdout
            assert service.stdout.readline() == b"decoding\n"
            (child,) = decoders_of(service.pid)
            os.kill(child, signal.SIGSTOP)  # so that it does not end by itself
            ended = os.pidfd_open(child)
        finally:
            service.kill()
    with os.fdopen(ended):
        assert select.select([ended], [], [], TIMEOUT)[0]


def test_processes_at_a_time_are_bounded(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    slots = threading.BoundedSemaphore(1)
    monkeypatch.setattr(jp2_process, "_slots", lambda: slots)
    parts = decoded("pillow", body, SIZE, 3, "RGB", "jp2", *map(str, SIZE))
    next(parts)
    found = []
    other = threading.Thread(target=lambda: found.append(read(body, LIMIT)))
    other.start()
    other.join(0.2)
    assert other.is_alive()
    assert len(decoders()) == 1
    parts.close()
    other.join(TIMEOUT)
    assert found[0].pixels.shape == (400, 600, 3)


def test_files_larger_than_a_pipe_holds_are_read() -> None:
    noise = samples(3, size=(300, 301))
    body = encoded(Image.fromarray(noise), "JPEG2000")
    assert len(body) > 1 << 17
    np.testing.assert_array_equal(read(body, LIMIT).pixels, noise)
