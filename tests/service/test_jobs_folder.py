"""Where jobs are stored if no setting says: a folder of the user and the port."""

import logging
import signal
from pathlib import Path

import httpx
import pytest

from service.jobs.backend import open_folder
from service.jobs.record import Job
from service.jobs.store import Store
from service.server.jobs_folder import with_jobs_folder
from service.settings import Settings
from tests.service.running import running


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.delenv("SERVICE_JOBS_DIR")
    return Settings(port=8123)


def test_the_folder_belongs_to_the_port_and_to_its_owner_alone(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    folder = tmp_path / "autoencoder-service" / "jobs-8123"
    assert with_jobs_folder(settings).jobs_dir == str(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    monkeypatch.setenv("XDG_STATE_HOME", "relative")  # which the specification has ignored
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    shown = tmp_path / "home" / ".local" / "state" / "autoencoder-service" / "jobs-8123"
    assert with_jobs_folder(settings).jobs_dir == str(shown)


def test_without_a_folder_that_can_be_written_jobs_are_off(
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with caplog.at_level(logging.INFO):
        assert with_jobs_folder(settings).jobs_dir == ""
    assert "SERVICE_JOBS_DIR" in caplog.text


@pytest.mark.parametrize(
    "named", [{"jobs_dir": ""}, {"jobs_dir": "here"}, {"jobs_url": "redis://x"}]
)
def test_what_is_set_stays(settings: Settings, named: dict[str, str]) -> None:
    told = settings.model_copy(update=named)
    assert with_jobs_folder(told) == told


def test_a_port_that_is_picked_has_no_folder(settings: Settings) -> None:
    told = settings.model_copy(update={"port": 0})
    assert with_jobs_folder(told).jobs_dir == ""


@pytest.mark.slow
def test_streams_of_events_end_with_the_service(models: Path, tmp_path: Path) -> None:
    backend = open_folder(tmp_path / "jobs")
    assert backend.lock is not None
    backend.lock.share()
    store = Store(backend)
    store.add(Job("0" * 32, "denoise", "", [], 0, 0.0, "id"))
    assert store.attempts.take()  # it runs in this process, as far as the service can tell
    with running(models, f"--jobs-dir={tmp_path / 'jobs'}") as service:
        url = f"{service.url}/jobs/{'0' * 32}/events"
        with httpx.stream("GET", url, timeout=20, verify=False, trust_env=False) as stream:
            lines = stream.iter_lines()
            assert next(lines) == "event: progress"
            service.process.send_signal(signal.SIGINT)
            assert "event: end" not in list(lines)
        assert service.process.wait(10) == 0
    store.close()


def test_others_cannot_read_what_is_stored(tmp_path: Path) -> None:
    backend = open_folder(tmp_path)  # which exists, and is open to others
    writer = backend.bodies.writer("name")
    writer.write(b"body")
    writer.commit()
    backend.storage.put_data("key", b"value")
    names = {path.name: path.stat().st_mode & 0o077 for path in tmp_path.iterdir()}
    assert {"jobs.db", "jobs.lock", "name"} <= set(names)
    assert {name: mode for name, mode in names.items() if mode} == {}
    backend.close()
