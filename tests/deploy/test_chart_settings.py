"""Settings given to the chart reach the service as they were given, and wrong ones are refused."""

from typing import Any

import helm_python
import pytest

from service.setting_names import unknown, variable
from service.settings import Settings
from tests.deploy.cases import CASES
from tests.deploy.chart import container, environment, rendered, written

SETTINGS: dict[str, Any] = {
    "max_body_bytes": 268435456,
    "max_pixels": 200_000_000,
    "timeout": 45.5,
    "formats": ["png", "jpeg"],
    "repository_control": True,
    "traces": False,
    "log_level": "warning",
    "default_picture": "photo",
    "jobs_callback_hosts": "hooks.example,10.0.0.7:8080",
}


def _read(values: Any, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, text in environment(rendered(values)).items():
        monkeypatch.setenv(name, text)
    return Settings()


def test_settings_are_read_as_they_were_given(monkeypatch: pytest.MonkeyPatch) -> None:
    read = _read({"settings": SETTINGS}, monkeypatch)
    assert read.model_dump(include=set(SETTINGS)) == SETTINGS | {"formats": ("png", "jpeg")}


def test_the_chart_names_the_defaults_of_the_service_where_it_depends_on_them() -> None:
    given = written("values.yaml")["settings"]
    assert given.keys() == {"max_body_bytes", "timeout", "drain_seconds", "shutdown_seconds"}
    for name in ("max_body_bytes", "timeout"):
        assert given[name] == Settings.model_fields[name].default


@pytest.mark.parametrize("case", CASES)
def test_every_variable_that_the_chart_sets_is_one_of_the_service(case: str) -> None:
    named = [each["name"] for each in container(rendered(CASES[case]))["env"]]
    assert unknown(named, Settings.model_fields) == {}
    assert len(named) == len(set(named))


def test_quotas_are_counted_together_in_the_redis_of_a_secret() -> None:
    assert "SERVICE_RATE_URL" not in {each["name"] for each in container(rendered())["env"]}
    shared = rendered(CASES["KEDA, a route, jobs in Redis and an image of models"])
    [url] = [each for each in container(shared)["env"] if each["name"] == "SERVICE_RATE_URL"]
    assert url["valueFrom"]["secretKeyRef"] == {"name": "redis", "key": "quotas"}


def test_jobs_are_off_in_a_folder_or_in_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment(rendered())["SERVICE_JOBS_DIR"] == ""
    folder = rendered(CASES["a folder of jobs"])
    [mount] = [each for each in container(folder)["volumeMounts"] if each["name"] == "jobs"]
    assert environment(folder)["SERVICE_JOBS_DIR"].startswith(f"{mount['mountPath']}/")
    assert folder["Deployment"]["spec"]["strategy"] == {"type": "Recreate"}
    redis = rendered(CASES["KEDA, a route, jobs in Redis and an image of models"])
    [url] = [each for each in container(redis)["env"] if each["name"] == "SERVICE_JOBS_URL"]
    assert url["valueFrom"]["secretKeyRef"] == {"name": "redis", "key": "url"}
    assert "SERVICE_JOBS_DIR" not in environment(redis)


@pytest.mark.parametrize(
    "case",
    ["hpa, ingress and a claim of models", "KEDA, a route, jobs in Redis and an image of models"],
)
def test_models_are_read_where_their_volume_is(case: str) -> None:
    manifests = rendered(CASES[case])
    [mount] = [each for each in container(manifests)["volumeMounts"] if each["name"] == "models"]
    assert environment(manifests)["SERVICE_MODELS"] == mount["mountPath"]
    assert mount["readOnly"]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"max_pixls": 1}, "max_pixls"),
        ({"max_pixels": 0}, "max_pixels"),
        ({"max_pixels": "many"}, "max_pixels"),
        ({"device": "gpu"}, "device"),
        ({"port": 9000}, "port"),
        ({"host": "127.0.0.1"}, "host"),
        ({"rate_url": "redis://:password@redis"}, "rate_url"),
    ],
)
def test_a_setting_that_would_stop_the_service_is_refused(
    settings: dict[str, Any], expected: str
) -> None:
    with pytest.raises(helm_python.HelmError, match=expected):
        rendered({"settings": settings})


def test_a_setting_is_no_further_variable() -> None:
    with pytest.raises(helm_python.HelmError, match="env/0/name"):
        rendered({"env": [{"name": variable("max_pixels"), "value": "1"}]})
