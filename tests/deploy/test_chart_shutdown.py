"""Probes and grace periods agree with how the service starts, drains and stops."""

import re
from typing import Any

import helm_python
import pytest

from service.settings import Settings
from tests.deploy.chart import ROOT, container, environment, pod, rendered, written

JOBS_AND_EXPORTS = 15
"""Seconds that requeuing jobs and exporting the last spans may take: docs/operations.md."""


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"settings": {"drain_seconds": 30.5, "shutdown_seconds": 300}},
        {"settings": {"drain_seconds": 0}, "preStopSleepSeconds": 15},
        {"settings": {"drain_seconds": 60, "shutdown_seconds": 0}},
        {"settings": {"drain_seconds": 5, "shutdown_seconds": None}},
    ],
)
def test_a_pod_may_take_as_long_as_the_service_needs_to_end(
    values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    manifests = rendered(values)
    for name, text in environment(manifests).items():
        monkeypatch.setenv(name, text)
    read = Settings()
    asleep = values.get("preStopSleepSeconds", 0)
    needed = asleep + read.drain_seconds + read.shutdown_seconds + JOBS_AND_EXPORTS
    assert needed < pod(manifests)["terminationGracePeriodSeconds"] <= needed + 6
    hook = container(manifests).get("lifecycle")
    assert hook == ({"preStop": {"sleep": {"seconds": asleep}}} if asleep else None)


def test_a_photograph_of_the_largest_size_is_finished() -> None:
    page = (ROOT / "docs" / "denoising.md").read_text()
    [speed] = re.findall(r"^\| 50 MP \| ([\d.]+) \|", page, re.MULTILINE)
    queued = Settings.model_fields["max_queue_pixels"].default / 1e6
    assert written("values.yaml")["settings"]["shutdown_seconds"] > queued / float(speed)


def test_readiness_has_failed_before_the_port_closes() -> None:
    manifests = rendered()
    probe = container(manifests)["readinessProbe"]
    drain = float(environment(manifests)["SERVICE_DRAIN_SECONDS"])
    assert probe["periodSeconds"] * probe["failureThreshold"] < drain


@pytest.mark.parametrize(
    "values",
    [
        {"settings": {"drain_seconds": 3}},
        {"settings": {"drain_seconds": 0}, "preStopSleepSeconds": 3},
        {"probes": {"readiness": {"periodSeconds": 10}}},
    ],
)
def test_a_drain_that_ends_before_readiness_has_failed_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(helm_python.HelmError, match=r"drain_seconds: expected at least the \d+ s"):
        rendered(values)


@pytest.mark.parametrize("values", [{}, written("values-gpu.yaml")])
def test_a_pod_may_start_for_as_long_as_several_versions_load(
    values: dict[str, Any],
) -> None:
    probe = container(rendered(values))["startupProbe"]
    limit = probe["periodSeconds"] * probe["failureThreshold"]
    assert limit >= 5 * Settings.model_fields["load_seconds"].default


def test_a_pod_that_would_be_ended_before_a_version_has_loaded_is_refused() -> None:
    with pytest.raises(
        helm_python.HelmError, match=r"probes.startup: expected at least settings.load_seconds, 400"
    ):
        rendered({"settings": {"load_seconds": 400}})


def test_probes_ask_what_the_service_answers() -> None:
    found = container(rendered())
    document = (ROOT / "docs" / "endpoints.md").read_text()
    asked = {
        name: found[name]["httpGet"]["path"]
        for name in ("startupProbe", "readinessProbe", "livenessProbe")
    }
    assert asked == {
        "startupProbe": "/health/ready",
        "readinessProbe": "/health/ready",
        "livenessProbe": "/health/live",
    }
    for path in asked.values():
        assert f"### `GET {path}`" in document


def test_the_container_is_the_image_as_its_recipe_has_it() -> None:
    recipe = (ROOT / "Dockerfile").read_text()
    service = recipe.rpartition("FROM base AS service\n")[2]
    manifests = rendered({"replicaCount": 1, "jobs": {"store": "claim"}})
    [port] = container(manifests)["ports"]
    assert f'"--port", "{port["containerPort"]}"' in service
    [user] = re.findall(r"^USER (\d+):(\d+)$", service, re.MULTILINE)
    context = pod(manifests)["securityContext"]
    assert user == (str(context["runAsUser"]), str(context["runAsGroup"]))
    mounts = {each["name"]: each["mountPath"] for each in container(manifests)["volumeMounts"]}
    assert f"VOLUME {mounts['jobs']}\n" in service
    assert "command" not in container(manifests)
    assert "args" not in container(manifests)


def test_variables_of_services_are_no_settings() -> None:
    assert pod(rendered())["enableServiceLinks"] is False
