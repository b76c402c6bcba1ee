"""The service as its operator runs it: processes, signals, one port."""

import contextlib
import io
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from PIL import Image
from uvicorn.config import STARTUP_FAILURE

from tests.service.running import ROOT, Running, running
from tests.service.tiny import write_model

BODY = {"inputs": [[[0.0] * 4] * 4]}


def post(service: Running) -> int:
    """Ask over a connection of its own, so that every worker has its turn; return the status."""
    return httpx.post(
        f"{service.url}/encode", json=BODY, timeout=30, trust_env=False, verify=False
    ).status_code


def get(service: Running, path: str) -> httpx.Response:
    return httpx.get(service.own_url + path, timeout=30, trust_env=False, verify=False)


def workers(service: Running) -> set[int]:
    """The process ids of all workers that ever started, as they said them."""
    words = "Started server process ["
    return {int(part.split("]")[0]) for part in service.log.read_text().split(words)[1:]}


def started(service: Running) -> int:
    """How many workers ever began to serve, which they say a moment after they said their ids."""
    return service.log.read_text().count("Application startup complete")


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_the_service_with_status_0(models: Path, told: int, workers: int) -> None:
    with running(models, f"--workers={workers}") as service:
        assert post(service) == 200
        service.process.send_signal(told)
        assert service.process.wait(30) == 0
        assert "Traceback" not in service.log.read_text()


def test_no_thread_keeps_a_service_that_has_stopped_from_its_end(models: Path) -> None:
    code = (
        "import sys, threading; from service.cli import main; "
        "threading.Thread(target=threading.Event().wait).start(); "  # as a tile that runs
        "sys.exit(main(['serve', '--port=0', '--device=cpu', '--models', sys.argv[1]]))"
    )
    command = [sys.executable, "-c", code, str(models)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        try:
            assert any("Uvicorn running" in line for line in process.stderr)
            process.terminate()
            assert process.wait(30) == 0
            assert "Finished server process" in process.stderr.read()
        finally:
            process.kill()


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_service_that_is_told_to_stop_while_it_starts_stops(models: Path, workers: int) -> None:
    command = [sys.executable, "-m", "service", "serve", f"--models={models}", "--port=0"]
    for delay in (0.3, 0.6, 1.2):
        with subprocess.Popen(
            [*command, f"--workers={workers}"], cwd=ROOT, stderr=subprocess.PIPE, text=True
        ) as process:
            time.sleep(delay)
            process.terminate()
            _, errors = process.communicate(timeout=30)
            assert process.returncode in (0, -signal.SIGTERM), errors
            assert "Traceback" not in errors


def test_a_service_that_was_told_to_stop_is_not_ready_and_answers_for_a_while(models: Path) -> None:
    with running(models, "--drain-seconds=1") as service:
        service.process.send_signal(signal.SIGTERM)
        until(lambda: get(service, "/health/ready").status_code == 503)
        assert get(service, "/health/ready").json()["code"] == "not-ready"
        assert post(service) == 200
        assert get(service, "/health/live").status_code == 200
        assert service.process.wait(30) == 0


@pytest.mark.slow
def test_a_service_that_is_told_to_stop_finishes_its_photograph(models: Path) -> None:
    stream = io.BytesIO()
    Image.new("L", (4000, 3000)).save(stream, "PNG")
    flags = ("--timeout=300", "--shutdown-seconds=300")  # as on a machine that is busy
    with running(models, *flags) as service, ThreadPoolExecutor(1) as pool:
        url = f"{service.url}/denoise?model=photo"
        asked = pool.submit(
            httpx.post, url, content=stream.getvalue(), timeout=300, trust_env=False, verify=False
        )
        until(lambda: "in_flight_pixels 0.0" not in get(service, "/metrics").text)
        assert not asked.done()
        service.process.terminate()
        assert asked.result().status_code == 200
        assert service.process.wait(30) == 0


def test_several_workers_share_the_port_and_their_figures(models: Path) -> None:
    with running(models, "--workers=2") as service:
        until(lambda: started(service) == 2)
        assert {post(service) for _ in range(20)} == {200}
        counted = 'autoencoder_requests_total{model="mirror",operation="encode",status="200"} 20.0'
        until(lambda: counted in get(service, "/metrics").text)  # each hands on once a second


@pytest.mark.slow
def test_a_worker_that_dies_is_replaced(models: Path) -> None:
    with running(models, "--workers=2") as service:
        until(lambda: started(service) == 2)
        os.kill(min(workers(service)), signal.SIGKILL)
        until(lambda: started(service) == 3)
        assert post(service) == 200


@pytest.mark.slow
def test_workers_end_and_free_the_port_when_their_supervisor_is_killed(models: Path) -> None:
    flags = ("--workers=2", "--drain-seconds=60")  # nothing is to be drained
    with running(models, *flags, expected=-signal.SIGKILL) as service:
        until(lambda: started(service) == 2)
        service.process.kill()
        until(lambda: service.log.read_text().count("Finished server process") == 2)
        assert service.log.read_text().count("the supervisor of the workers has died") == 2
        assert "Traceback" not in service.log.read_text()
        host, _, port = service.own_url.removeprefix("http://").partition(":")
        socket.create_server((host, int(port))).close()


@pytest.mark.slow
def test_workers_are_said_to_run_when_all_of_them_have_started(models: Path) -> None:
    with running(models, "--workers=2") as service:
        running_on = f"2 workers are running on {service.url}"
        until(lambda: running_on in service.log.read_text())
        before, after = service.log.read_text().split(running_on)
        assert before.count("Application startup complete") == 2
        assert "Application startup complete" not in after
        assert "Uvicorn running" not in before


@pytest.mark.slow
def test_workers_that_take_long_to_import_what_they_run_are_left_to_it(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("import time; time.sleep(1.5)\nasync def app(*_): ...")
    (tmp_path / "program.py").write_text(
        "import logging, signal, socket, slow, uvicorn\n"
        "from service.server.workers import Workers\n"
        "if __name__ == '__main__':\n"
        "    logging.basicConfig(level='INFO')\n"
        "    bound = socket.create_server(('127.0.0.1', 0))\n"
        "    config = uvicorn.Config(slow.app, workers=2, log_config=None, lifespan='off',\n"
        "                            timeout_worker_healthcheck=1)\n"
        "    Workers(config, bound).run()\n"
    )
    log = tmp_path / "log.txt"
    with log.open("wb") as output:
        supervisor = subprocess.Popen(
            [sys.executable, tmp_path / "program.py"],
            env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"},
            stderr=output,
        )
    try:
        until(lambda: "2 workers are running" in log.read_text())
        assert "another was started" not in log.read_text()
    finally:
        supervisor.terminate()
        assert supervisor.wait(30) == 0


@pytest.mark.slow
def test_workers_are_told_to_stop_at_once_while_one_of_them_hangs(models: Path) -> None:
    with running(models, "--workers=2", "--drain-seconds=2") as service:
        until(lambda: started(service) == 2)
        until(lambda: post(service) == 200)
        hung = min(workers(service))
        os.kill(hung, signal.SIGSTOP)
        try:
            time.sleep(1)  # by now its supervisor waits for it, for 5 s
            service.process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            until(lambda: get(service, "/health/ready").status_code == 503)
            assert time.monotonic() - began < 1.5
            time.sleep(0.5)
            assert post(service) == 200  # nor was it told twice, which would end the draining
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(hung, signal.SIGCONT)


@pytest.mark.slow
def test_a_worker_takes_the_place_of_another_whatever_broke_in_the_folder(models: Path) -> None:
    def listed() -> list[tuple[int, str]]:
        versions = get(service, "/models/half").json()["models"]
        return [(each["version"], each["state"]) for each in versions]

    with running(models, "--workers=2") as service:
        until(lambda: "workers are running" in service.log.read_text())
        (write_model(models, "half", 3) / "denoise.onnx").write_bytes(b"no graph")
        unload = f"{service.own_url}/v2/repository/models/mirror.encode/unload"  # a default, too
        httpx.post(unload, trust_env=False, verify=False).raise_for_status()
        for worker in workers(service):
            os.kill(worker, signal.SIGKILL)
        until(lambda: started(service) == 4)
        assert listed() == [(3, "failed"), (2, "ready"), (1, "ready")]
        answer = httpx.post(
            f"{service.url}/denoise", json=BODY, timeout=30, trust_env=False, verify=False
        )
        assert answer.json()["version"] == 2
        assert "half 3 could not be loaded" in service.log.read_text()


@pytest.mark.slow
def test_workers_serve_on_when_one_of_them_dies_while_the_folder_is_away(models: Path) -> None:
    with running(models, "--workers=2") as service:
        until(lambda: started(service) == 2)
        away = models.rename(models.with_name("away"))
        os.kill(min(workers(service)), signal.SIGKILL)
        until(lambda: "expected folders" in service.log.read_text())
        assert post(service) == 200
        away.rename(models)
        until(lambda: started(service) == 3)


@pytest.mark.slow
def test_workers_that_cannot_start_end_the_service(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "service", "serve", "--port=0", "--workers=2"]
    ended = subprocess.run(
        [*command, f"--models={tmp_path}"],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 1
    assert ended.stderr.count("expected folders") == 1
    assert ended.stderr.splitlines()[-1].startswith(f"Cannot start: {tmp_path}: expected folders")


@pytest.mark.slow
def test_a_worker_that_cannot_start_for_any_reason_is_not_started_again(
    models: Path, tmp_path: Path
) -> None:
    shared = tmp_path / "shared"
    shared.write_text("")  # a file where a folder should be: a fault that nobody foresaw
    code = (
        "from pathlib import Path; from service.server.server import _create_worker; "
        "from service.settings import Settings; "
        f"_create_worker(Settings(models={str(models)!r}, device='cpu'), Path({str(shared)!r}))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == STARTUP_FAILURE
    assert "FileExistsError" in ended.stderr


@pytest.mark.slow
def test_workers_follow_an_unload_within_a_second_or_so_and_not_the_folder(models: Path) -> None:
    def encode() -> bool:
        return post(service) == 200

    with running(models, "--workers=2", "--reload-seconds=60") as service:
        until(lambda: started(service) == 2)
        write_model(models, "half", 3)
        unload = f"{service.own_url}/v2/repository/models/mirror.encode/unload"
        httpx.post(unload, trust_env=False, verify=False).raise_for_status()
        began = time.monotonic()
        until(lambda: not any(encode() for _ in range(20)))
        assert time.monotonic() - began < 10
        listed = [get(service, "/models/half").json()["models"] for _ in range(20)]
        assert {len(versions) for versions in listed} == {2}
