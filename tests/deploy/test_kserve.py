"""KServe's manifests run the image as the chart does, and probe what the protocol has."""

from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.deploy.chart import ROOT, container, environment, pod, rendered

FOLDER = ROOT / "deploy" / "kserve"


@pytest.fixture(scope="module")
def runtime() -> dict[str, Any]:
    manifest = yaml.safe_load((FOLDER / "servingruntime.yaml").read_text())
    assert (manifest["apiVersion"], manifest["kind"]) == (
        "serving.kserve.io/v1alpha1",
        "ServingRuntime",
    )
    assert isinstance(manifest, dict)
    return manifest


@pytest.fixture(scope="module")
def predictor() -> dict[str, Any]:
    manifest = yaml.safe_load((FOLDER / "inferenceservice.yaml").read_text())
    assert (manifest["apiVersion"], manifest["kind"]) == (
        "serving.kserve.io/v1beta1",
        "InferenceService",
    )
    found = manifest["spec"]["predictor"]
    assert isinstance(found, dict)
    return found


def test_what_runs_fits_the_schema_of_a_pod(
    runtime: dict[str, Any], predictor: dict[str, Any]
) -> None:
    inherited = ("terminationGracePeriodSeconds", "automountServiceAccountToken")
    spec = {name: runtime["spec"][name] for name in ("containers", "volumes")}
    spec |= {name: predictor[name] for name in (*inherited, "enableServiceLinks")}
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": spec}
    kubernetes_validate.validate(manifest, "1.33", strict=True)


def test_it_runs_as_in_the_chart(runtime: dict[str, Any], predictor: dict[str, Any]) -> None:
    chart = rendered()
    expected, [found] = container(chart), runtime["spec"]["containers"]
    assert found["name"] == "kserve-container"  # the name that KServe looks for
    for same in ("image", "resources", "volumeMounts"):
        assert found[same] == expected[same]
    assert runtime["spec"]["volumes"] == pod(chart)["volumes"]
    variables = {each["name"]: each["value"] for each in found["env"]}
    assert variables.items() <= environment(chart).items()
    grace = pod(chart)["terminationGracePeriodSeconds"]
    assert predictor["terminationGracePeriodSeconds"] == grace
    context = {**pod(chart)["securityContext"], **expected["securityContext"]}
    assert found["securityContext"].items() <= context.items()
    [port], [other] = found["ports"], expected["ports"]
    assert port["containerPort"] == other["containerPort"]


def test_it_is_probed_as_in_the_chart_at_the_paths_of_the_protocol(runtime: dict[str, Any]) -> None:
    [found] = runtime["spec"]["containers"]
    page = (ROOT / "docs" / "endpoints.md").read_text()
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        expected = container(rendered())[name]
        path = found[name]["httpGet"]["path"]
        assert path == f"/v2{expected['httpGet']['path']}"
        assert f"### `GET {path}`" in page
        assert found[name] | {"httpGet": {}} == expected | {"httpGet": {}}


def test_the_service_asks_for_the_runtime_and_a_format_that_it_has(
    runtime: dict[str, Any], predictor: dict[str, Any]
) -> None:
    model = predictor["model"]
    assert model["runtime"] == runtime["metadata"]["name"]
    [known] = runtime["spec"]["supportedModelFormats"]
    assert model["modelFormat"].items() <= known.items()
    assert model["protocolVersion"] in runtime["spec"]["protocolVersions"]
    assert predictor["timeout"] == 120
