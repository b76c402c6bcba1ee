"""Values are documented and checked, and the release's notes say what is to be known."""

import json
import re
from typing import Any

import helm_python
import pytest
import yaml

from tests.deploy.cases import CASES
from tests.deploy.chart import CHART, ROOT, container, files, rendered, written

TOGETHER = {"probes", "resources", "settings", "updateStrategy"}
"""Groups that are described as a whole."""


def _paths(values: Any, before: str = "") -> set[str]:
    if isinstance(values, dict) and values and before.rstrip(".") not in TOGETHER:
        return {path for key, each in values.items() for path in _paths(each, f"{before}{key}.")}
    return {before.rstrip(".")}


def _described(schema: dict[str, Any], path: str) -> bool:
    for key in path.split("."):
        schema = schema.get("properties", {}).get(key, {})
    return bool(schema)


def test_the_readme_lists_every_value_and_no_other() -> None:
    listed = re.findall(r"^\| `([^`]+)` \|", (CHART / "README.md").read_text(), re.MULTILINE)
    assert len(listed) == len(set(listed))
    assert set(listed) == _paths(written("values.yaml"))


def test_the_schema_knows_every_value() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    for path in _paths(written("values.yaml")):
        assert _described(schema, path), f"{path}: expected a schema, received none"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"replicas": 2}, "replicas"),
        ({"image": {"tagg": "1"}}, "tagg"),
        ({"image": {"digest": "sha256:1"}}, "digest"),
        ({"autoscaling": {"by": "cpu"}}, "autoscaling/by"),
        ({"probes": {"readiness": {"periodSeconds": 0}}}, "periodSeconds"),
        ({"ingress": {"controller": "apache"}}, "controller"),
    ],
)
def test_a_value_that_is_not_known_or_out_of_range_is_refused(
    values: dict[str, Any], expected: str
) -> None:
    with pytest.raises(helm_python.HelmError, match=expected):
        rendered(values)


def test_notes_warn_of_a_service_without_keys() -> None:
    assert "apiKeys.existingSecret is not set" in files()["NOTES.txt"]
    guarded = files(CASES["hpa, ingress and a claim of models"])["NOTES.txt"]
    assert "apiKeys.existingSecret is not set" not in guarded
    assert "curl https://photographs.example/health/ready" in guarded
    assert "files/prometheus-adapter.yaml" in guarded


@pytest.mark.parametrize(
    "route",
    [
        {"ingress": {"enabled": True, "controller": "nginx", "host": "photographs.example"}},
        {"httpRoute": {"enabled": True, "parentRefs": [{"name": "gateway"}]}},
    ],
)
def test_notes_warn_of_a_route_whose_proxy_is_not_trusted(route: dict[str, Any]) -> None:
    told = "settings.trusted_proxies is not set"
    assert told not in files()["NOTES.txt"]
    assert told in files(route)["NOTES.txt"]
    trusted = route | {"settings": {"trusted_proxies": ["10.244.0.0/16"]}}
    assert told not in files(trusted)["NOTES.txt"]
    assert {"name": "SERVICE_TRUSTED_PROXIES", "value": "10.244.0.0/16"} in container(
        rendered(trusted)
    )["env"]


def test_the_values_of_the_page_render_without_a_warning() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/kubernetes.md").read_text(), re.DOTALL)
    assert len(blocks) > 2
    for values in map(yaml.safe_load, blocks):
        assert rendered(values)["Deployment"]
    assert "WARNING" not in files(yaml.safe_load(blocks[0]))["NOTES.txt"]


def test_an_image_is_named_by_tag_or_digest() -> None:
    version = written("Chart.yaml")["appVersion"]
    images = {
        case: rendered(values)["Deployment"]["spec"]["template"]["spec"]["containers"][0]["image"]
        for case, values in CASES.items()
    }
    assert images["defaults"] == f"autoencoder-service:{version}"
    assert images["GPUs"] == f"autoencoder-service:{version}-gpu"
    assert images["OpenVINO"] == f"autoencoder-service:{version}-openvino"
    digest = images["KEDA, a route, jobs in Redis and an image of models"]
    assert digest == f"autoencoder-service@sha256:{'0' * 64}"


def test_gpus_are_those_of_nvidia_and_the_service_insists_on_one() -> None:
    spec = rendered(CASES["GPUs"])["Deployment"]["spec"]["template"]["spec"]
    assert spec["runtimeClassName"] == "nvidia"
    assert spec["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert {"name": "SERVICE_DEVICE", "value": "cuda"} in spec["containers"][0]["env"]
