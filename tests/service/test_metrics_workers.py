"""What Prometheus is told where several workers share their metrics."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

from service.app import create_app
from service.errors import StartupError
from service.inference.admission import Admission
from service.inference.registry import ModelRegistry
from service.settings import Settings
from service.telemetry import shared_files
from service.telemetry.metrics import SHARED, Metrics
from service.telemetry.shared_files import DEAD, PROC
from tests.service.asgi import lifespan
from tests.service.running import running
from tests.service.scraping import Value, reader

BODY = {"inputs": [[[0.0] * 4] * 4]}


@pytest.mark.slow
@pytest.mark.skipif(not PROC.exists(), reason="needs /proc")
def test_workers_are_added_up_and_the_gauges_of_a_killed_one_vanish(models: Path) -> None:
    served = {"operation": "encode", "model": "mirror"}
    with running(models, "--workers=2") as service:

        def until(wanted: Callable[[Value], bool]) -> Value:
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline:
                value = reader(
                    httpx.get(f"{service.own_url}/metrics", trust_env=False, verify=False).text
                )
                if wanted(value):
                    return value
                time.sleep(0.1)
            pytest.fail("expected other metrics, received:\n" + service.log.read_text())

        def ask(times: int) -> None:
            for _ in range(times):  # each on a connection of its own, for any worker to take
                answer = httpx.post(
                    f"{service.url}/encode", json=BODY, trust_env=False, verify=False
                )
                assert answer.status_code == 200

        ask(20)
        counted = until(lambda value: value("requests_total", **served, status="200") == 20)
        assert counted("stage_seconds_count", **served, stage="inference") == 20
        assert counted("batch_items_sum", **served) == 20
        assert counted("model_ready", model="half", version="2") == 1
        first, second = workers(service.process.pid)

        def both_report(value: Value) -> bool:
            memory = resident(first) + resident(second)
            return value("resident_memory_bytes") == pytest.approx(memory, rel=0.2)

        until(both_report)

        folder = Path(environment(first)[SHARED])
        kinds = {path.stem.rpartition("_")[0] for path in folder.iterdir()}
        assert kinds == set(shared_files.SIZES)
        assert list(folder.glob(f"gauge_live*_{first}.db"))
        os.kill(first, signal.SIGKILL)
        until(lambda _: not list(folder.glob(f"*_{first}.db")))  # once another has started
        assert {path.name for path in folder.glob(f"*_{DEAD}.db")} == {
            f"counter_{DEAD}.db",
            f"histogram_{DEAD}.db",
        }
        ask(5)
        counted = until(lambda value: value("requests_total", **served, status="200") == 25)
        assert counted("model_ready", model="half", version="2") == 1


@pytest.mark.slow
@pytest.mark.skipif(not PROC.exists(), reason="needs /proc")
def test_workers_that_end_in_good_order_hand_on_all_that_they_counted(models: Path) -> None:
    wanted = 'autoencoder_requests_total{model="mirror",operation="encode",status="200"} 20.0'
    with running(models, "--workers=2", "--drain-seconds=0") as service:
        first = workers(service.process.pid)
        for _ in range(20):
            httpx.post(
                f"{service.url}/encode", json=BODY, trust_env=False, verify=False
            ).raise_for_status()
        for process in first:
            os.kill(process, signal.SIGTERM)
        deadline = time.monotonic() + 30
        while set(first) & set(workers(service.process.pid)):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        url = f"{service.own_url}/metrics"
        assert wanted in httpx.get(url, timeout=30, trust_env=False, verify=False).text


async def test_a_worker_tells_its_metrics_after_a_fault(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    update = Metrics.update
    calls = 0

    def fail_first(self: Metrics, models: ModelRegistry, admission: Admission) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise OSError("a disk that went away")
        update(self, models, admission)

    monkeypatch.setattr(Metrics, "update", fail_first)
    settings = Settings(models=models, device="cpu")
    app = create_app(settings, shared=tmp_path / "shared")
    async with (
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app)) as client,
        lifespan(client),
        asyncio.timeout(30),
    ):
        while calls < 2:  # noqa: ASYNC110 - no event says so
            await asyncio.sleep(0.05)
    assert "cannot update the metrics" in caplog.text


@pytest.mark.skipif(sys.platform != "linux", reason="needs posix_fallocate and RLIMIT_FSIZE")
def test_the_room_of_shared_metrics_is_taken_at_the_start_or_there_is_none(tmp_path: Path) -> None:
    import resource

    shared_files.reserve(tmp_path)
    for kind, size in shared_files.SIZES.items():
        taken = (tmp_path / f"{kind}_{os.getpid()}.db").stat()
        assert (taken.st_size, taken.st_blocks >= size // 512) == (size, True)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    (tmp_path / "full").mkdir()
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(StartupError, match="expected room for 1310720 bytes of metrics"):
            shared_files.reserve(tmp_path / "full")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


COUNT_AND_DIE = """
import os, signal, sys
from pathlib import Path
from prometheus_client import CollectorRegistry, Counter, Histogram
from service.telemetry.shared_files import reserve

reserve(Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]))
registry = CollectorRegistry()
Counter("asked", "text", ["by"], registry=registry).labels(sys.argv[1]).inc(3)
seconds = Histogram("seconds", "text", buckets=[1, 2], registry=registry)
for value in (0.5, 1.5, 5):
    seconds.observe(value)
print(os.getpid(), flush=True)
if sys.argv[2] == "dies":
    os.kill(os.getpid(), signal.SIGKILL)
sys.stdin.read()
"""


@pytest.mark.skipif(not PROC.exists(), reason="needs /proc")
def test_what_dead_workers_counted_is_kept_in_one_file_of_each_kind(tmp_path: Path) -> None:
    environment = os.environ | {SHARED: str(tmp_path)}

    def counting(by: str, then: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", COUNT_AND_DIE, by, then],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert int(process.stdout.readline()) == process.pid
        return process

    def seen() -> dict[str, float]:
        registry = CollectorRegistry()
        MultiProcessCollector(registry, str(tmp_path))  # type: ignore[no-untyped-call]
        value = registry.get_sample_value
        return {
            "a": value("asked_total", {"by": "a"}) or 0,
            "b": value("asked_total", {"by": "b"}) or 0,
            "to 1": value("seconds_bucket", {"le": "1.0"}) or 0,
            "to 2": value("seconds_bucket", {"le": "2.0"}) or 0,
            "count": value("seconds_count") or 0,
            "sum": value("seconds_sum") or 0,
        }

    with counting("b", "stays") as stays:
        for dead in (1, 2, 3):
            with counting("a", "dies") as dies:
                dies.wait(30)
            assert seen() == {
                "a": 3 * dead,
                "b": 3,
                "to 1": dead + 1,
                "to 2": 2 * (dead + 1),
                "count": 3 * (dead + 1),
                "sum": 7 * (dead + 1),
            }
        # The last to die is added up by the next that starts.
        owners = {path.stem.rpartition("_")[2] for path in tmp_path.glob("*.db")}
        assert owners == {DEAD, str(stays.pid), str(dies.pid)}
        stays.communicate(timeout=30)


def workers(supervisor: int) -> list[int]:
    """The processes that a supervisor started to answer requests."""
    found = []
    for folder in PROC.glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            command = (folder / "cmdline").read_bytes()
        except OSError:  # it has ended meanwhile
            continue
        if parent == supervisor and b"spawn_main" in command:
            found.append(int(folder.name))
    return found


def environment(process: int) -> dict[str, str]:
    entries = (PROC / str(process) / "environ").read_text().split("\0")
    return {name: value for name, _, value in (entry.partition("=") for entry in entries)}


def resident(process: int) -> int:
    """The memory of a process, in bytes."""
    pages = int((PROC / str(process) / "statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
