"""What the chart renders fits the schemas of the Kubernetes versions that it is for."""

import functools
from typing import Any

import helm_python
import kubernetes_validate
import pytest
from kubernetes_validate import utils

from tests.deploy.cases import CASES
from tests.deploy.chart import CHART, Manifest, rendered, written

VERSIONS = ("1.33", "1.35", "1.37")
CUSTOM = {
    "ClientSettingsPolicy",
    "HTTPRoute",
    "PrometheusRule",
    "ScaledObject",
    "ServiceMonitor",
}
"""Kinds that others than Kubernetes define."""


@pytest.fixture(autouse=True, scope="module")
def schemas_are_read_once() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(utils, "schema_contents", functools.cache(utils.schema_contents))
        yield


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("case", CASES)
def test_manifests_fit_the_schemas_without_an_unknown_field(case: str, version: str) -> None:
    for kind, manifest in rendered(CASES[case]).items():
        if kind not in CUSTOM:
            kubernetes_validate.validate(manifest, version, strict=True)


def test_the_cases_render_every_template() -> None:
    made = {kind for values in CASES.values() for kind in rendered(values)}
    kinds = {
        line.removeprefix("kind: ")
        for path in (CHART / "templates").glob("*.yaml")
        for line in path.read_text().splitlines()
        if line.startswith("kind: ")
    }
    assert made == kinds


@pytest.mark.parametrize("version", VERSIONS)
def test_a_field_that_does_not_exist_is_found(version: str) -> None:
    manifest: Manifest = rendered()["Deployment"]
    manifest["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="readynessProbe"):
        kubernetes_validate.validate(manifest, version, strict=True)


def test_the_oldest_of_these_versions_is_the_one_that_the_chart_asks_for() -> None:
    assert written("Chart.yaml")["kubeVersion"] == f">={VERSIONS[0]}.0-0"


def test_helm_finds_nothing_to_improve_but_a_missing_icon() -> None:
    report = helm_python.lint(CHART, strict=True, kube_version=f"v{VERSIONS[0]}.0")
    assert [each["error"] for each in report["messages"]] == ["icon is recommended"]
    assert not report["errors"]


def test_every_manifest_has_the_labels_and_the_namespace_of_the_release() -> None:
    for values in CASES.values():
        for manifest in rendered(values).values():
            assert manifest["metadata"]["namespace"] == "photographs"
            labels = manifest["metadata"]["labels"]
            assert labels["app.kubernetes.io/instance"] == "demo"
            assert labels["app.kubernetes.io/managed-by"] == "Helm"
