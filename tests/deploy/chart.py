"""The Helm chart, rendered by Helm's library: no cluster, no network."""

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import helm_python
import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "helm" / "autoencoder-service"
NAMESPACE = "photographs"
NAME = "demo-autoencoder-service"

Values = Mapping[str, Any]
Manifest = dict[str, Any]


def files(values: Values | None = None) -> dict[str, str]:
    """Return what each template becomes, by its name in templates/.

    Raises:
        helm_python.HelmError: The values do not fit the schema, or each other.
    """
    return _files(json.dumps(values or {}))


@functools.cache
def _files(values: str) -> dict[str, str]:
    with helm_python.Chart.load(CHART) as chart:
        chart.validate_schema(json.loads(values))
        found = chart.render(json.loads(values), name="demo", namespace=NAMESPACE)
    return {name.rpartition("/")[2]: text for name, text in found.items()}


def rendered(values: Values | None = None) -> dict[str, Manifest]:
    """Return the manifests of a release, by kind: there is one of each."""
    found: dict[str, Manifest] = {}
    for name, text in files(values).items():
        if name.endswith(".yaml"):
            for manifest in filter(None, yaml.safe_load_all(text)):
                assert manifest["kind"] not in found
                found[manifest["kind"]] = manifest
    return found


def written(name: str) -> Any:
    """Return the content of a YAML file of the chart."""
    return yaml.safe_load((CHART / name).read_text())


def container(manifests: Mapping[str, Manifest]) -> Manifest:
    """Return the container of the Deployment's pods, the only one."""
    [found] = pod(manifests)["containers"]
    assert isinstance(found, dict)
    return found


def pod(manifests: Mapping[str, Manifest]) -> Manifest:
    """Return the specification of the Deployment's pods."""
    found = manifests["Deployment"]["spec"]["template"]["spec"]
    assert isinstance(found, dict)
    return found


def environment(manifests: Mapping[str, Manifest]) -> dict[str, str]:
    """Return the variables of the container that have a value of their own."""
    return {each["name"]: each["value"] for each in container(manifests)["env"] if "value" in each}
