"""A real Prometheus scrapes the service under load: no query of the dashboard is empty."""

import contextlib
import math
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from service.access.allowance import Allowance
from tests.programs import program
from tests.service import dashboard
from tests.service.keys import lines, made
from tests.service.running import running

pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="needs the extra [otel]")

from tests.service.otlp_receiver import receiving

KEY = made("shop", "infer", "metrics")
LIMITED = made("limited", allowance=Allowance(requests=1))
IMAGE = [[0.0] * 4] * 4
BODIES = [
    ("/encode", {"inputs": [IMAGE] * 3}),
    ("/encode", {"inputs": [[1]]}),
    ("/denoise?model=photo", {"inputs": [[[[0.5] * 3] * 16] * 16]}),
]


SECRET = "/run/secrets/metrics-key"
"""Where Compose puts the key."""


@pytest.fixture
def promtool() -> str:
    return program("promtool")


def test_promtool_accepts_the_configuration_and_the_rules(promtool: str, tmp_path: Path) -> None:
    shutil.copytree(dashboard.MONITORING, tmp_path, dirs_exist_ok=True)
    config = tmp_path / "prometheus.yml"
    config.write_text(config.read_text().replace(SECRET, os.devnull))
    for what, name in (("config", "prometheus.yml"), ("rules", "rules.yml")):
        command = [promtool, "check", what, str(tmp_path / name)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_alerts_fire_when_they_should_and_at_no_other_time(promtool: str) -> None:
    command = [promtool, "test", "rules", str(dashboard.MONITORING / "rules.test.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_no_query_of_the_dashboard_is_empty_under_load(models: Path, tmp_path: Path) -> None:
    prometheus_program = program("prometheus")
    with (
        receiving() as receiver,
        running(
            models,
            "--traces=true",
            environment={
                "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
                "SERVICE_API_KEYS": lines(KEY, LIMITED),
            },
        ) as service,
        load(service.url),
        scraping(prometheus_program, service.own_url, tmp_path) as prometheus,
    ):
        expressions = {expression for _, expression, _ in dashboard.panel_queries()}
        expressions |= {expression for expression, _ in dashboard.variable_queries()}
        assert until_answered(prometheus, expressions) == set()
        (group,) = prometheus.get("/api/v1/rules").json()["data"]["groups"]
        alerts = {rule["name"]: rule for rule in group["rules"]}
        assert set(alerts) == {rule["alert"] for rule in dashboard.rules()}
        assert [rule for rule in group["rules"] if rule.get("lastError")] == []
        assert alerts["AutoencoderServiceDown"]["state"] == "inactive"
        shown = exemplars(prometheus)
    assert shown <= {span.trace_id.hex() for span in receiver.spans()}


def until_answered(prometheus: httpx.Client, expressions: set[str]) -> set[str]:
    """Return the expressions that have no value in time."""
    deadline = time.monotonic() + 30
    while True:
        left = {each for each in expressions if not values(prometheus, each)}
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.5)


def values(prometheus: httpx.Client, expression: str) -> list[float]:
    answer = prometheus.get("/api/v1/query", params={"query": expression})
    assert answer.status_code == 200, f"{expression}: {answer.text}"
    numbers = (float(each["value"][1]) for each in answer.json()["data"]["result"])
    return [number for number in numbers if not math.isnan(number)]


def exemplars(prometheus: httpx.Client) -> set[str]:
    """Return the traces of the exemplars of requests."""
    asked = {"query": "autoencoder_request_seconds_bucket", "start": "0", "end": f"{time.time()}"}
    series = prometheus.get("/api/v1/query_exemplars", params=asked).json()["data"]
    traces = {each["labels"]["trace_id"] for every in series for each in every["exemplars"]}
    assert traces
    return traces


@contextlib.contextmanager
def load(url: str) -> Iterator[None]:
    """Keep sending requests of every kind."""
    over = threading.Event()

    def send() -> None:
        with httpx.Client(base_url=url, headers=KEY.bearer, trust_env=False) as client:
            while not over.is_set():
                for path, body in BODIES:
                    client.post(path, json=body)
                client.get("/models", headers=LIMITED.bearer)
                over.wait(0.05)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        over.set()
        sender.join()


@contextlib.contextmanager
def scraping(path: str, target: str, folder: Path) -> Iterator[httpx.Client]:
    """Run Prometheus with the project's configuration, but for the target and the intervals."""
    config: dict[str, Any] = yaml.safe_load((dashboard.MONITORING / "prometheus.yml").read_text())
    config["global"] |= {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(dashboard.MONITORING / name) for name in config["rule_files"]]
    (job,) = config["scrape_configs"]
    del job["dns_sd_configs"]
    assert job["authorization"] == {"credentials_file": SECRET}
    job["authorization"]["credentials_file"] = str(folder / "key")
    (folder / "key").write_text(f"{KEY.key}\n")
    job["static_configs"] = [{"targets": [target.removeprefix("http://")]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [
        path,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
        "--enable-feature=exemplar-storage,expand-external-labels",
        "--log.level=warn",
    ]
    log = folder / "prometheus.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=os.environ | {"DOCS_URL": "https://docs.example"}, stderr=output
        )
    try:
        with httpx.Client(base_url=f"http://{address}", trust_env=False, timeout=30) as client:
            until_ready(client, process, log)
            yield client
    finally:
        process.terminate()
        process.wait(60)


def until_ready(client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if client.get("/-/ready").is_success:
                return
        time.sleep(0.05)
    pytest.fail(f"expected Prometheus to become ready, received:\n{log.read_text()}")
