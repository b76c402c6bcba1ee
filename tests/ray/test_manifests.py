"""Configurations of Serve and KubeRay's manifest, by the schemas of Serve and of Kubernetes."""

from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from service import __version__
from service.ray.arguments import checked
from service.settings import SHIPPED_MODELS
from tests.ray.conftest import NEEDS_RAY

pytest.importorskip("ray", reason=NEEDS_RAY)

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "ray"
CALLBACK = {
    "name": "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH",
    "value": "service.ray.proxy:middlewares",
}


def read(name: str) -> dict[str, Any]:
    document = yaml.safe_load((FOLDER / name).read_text())
    assert isinstance(document, dict)
    return document


def configurations() -> dict[str, dict[str, Any]]:
    """The configuration of each file."""
    service = read("rayservice.yaml")
    return {
        "config.yaml": read("config.yaml"),
        "rayservice.yaml": yaml.safe_load(service["spec"]["serveConfigV2"]),
    }


@pytest.mark.parametrize("file", ["config.yaml", "rayservice.yaml"])
def test_a_configuration_fits_the_schema_of_serve_and_the_deployments_of_the_application(
    file: str,
) -> None:
    from ray.serve._private.build_app import build_app
    from ray.serve.schema import ServeDeploySchema

    from service.ray.application import build

    configuration = ServeDeploySchema.model_validate(configurations()[file])
    (application,) = configuration.applications
    assert (application.import_path, application.route_prefix) == (
        f"{build.__module__}:{build.__name__}",
        "/",
    )
    checked(application.args)
    built = build_app(build(application.args), name="service", default_runtime_env=None)
    names = {each.name for each in built.deployments}
    assert {each.name for each in application.deployments} <= names


TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
COUNT = {"type": "integer", "minimum": 0}
POD = {"type": "object", "required": ["spec"]}


def strict(required: tuple[str, ...], **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


RAY_SERVICE = strict(
    ("rayClusterConfig",),
    serveConfigV2={"type": "string"},
    rayClusterConfig=strict(
        ("headGroupSpec",),
        rayVersion={"type": "string"},
        enableInTreeAutoscaling={"type": "boolean"},
        authOptions=strict((), mode={"enum": ["disabled", "token"]}),
        headGroupSpec=strict(("template",), rayStartParams=TEXTS, template=POD),
        workerGroupSpecs={
            "type": "array",
            "items": strict(
                ("groupName", "minReplicas", "maxReplicas", "rayStartParams", "template"),
                groupName={"type": "string"},
                replicas=COUNT,
                minReplicas=COUNT,
                maxReplicas=COUNT,
                rayStartParams=TEXTS,
                template=POD,
            ),
        },
    ),
)
"""What the definition of a RayService of KubeRay 1.5 says of the fields that ours has, beside what
is Kubernetes' own: ray-operator/apis/ray/v1/rayservice_types.go and raycluster_types.go."""


def test_the_service_fits_the_definition_of_kuberay() -> None:
    service = read("rayservice.yaml")
    assert (service["apiVersion"], service["kind"]) == ("ray.io/v1", "RayService")
    jsonschema.validate(service["spec"], RAY_SERVICE)
    for group in service["spec"]["rayClusterConfig"]["workerGroupSpecs"]:
        assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]


def pods() -> dict[str, dict[str, Any]]:
    """The template of each kind of pod."""
    cluster = read("rayservice.yaml")["spec"]["rayClusterConfig"]
    workers = {each["groupName"]: each["template"] for each in cluster["workerGroupSpecs"]}
    return {"head": cluster["headGroupSpec"]["template"]} | workers


@pytest.mark.parametrize("name", ["head", "cpu", "gpu"])
def test_a_pod_fits_the_schema_of_kubernetes_and_runs_the_image_with_what_ray_needs(
    name: str,
) -> None:
    template = pods()[name]
    spec = template["spec"]
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": spec}
    kubernetes_validate.validate(manifest, "1.33", strict=True)
    (container,) = spec["containers"]
    assert container["image"].startswith(f"autoencoder-service:{__version__}-ray")
    assert CALLBACK in container["env"]
    assert {"name": "RAY_USAGE_STATS_ENABLED", "value": "0"} in container["env"]
    assert spec["securityContext"]["runAsNonRoot"]


def test_the_version_of_ray_is_the_pinned_one() -> None:
    import ray

    cluster = read("rayservice.yaml")["spec"]["rayClusterConfig"]
    assert cluster["rayVersion"] == ray.__version__


def test_only_clients_prometheus_and_the_operator_reach_the_nodes_from_elsewhere() -> None:
    policy = read("networkpolicy.yaml")
    kubernetes_validate.validate(policy, "1.33", strict=True)
    spec = policy["spec"]
    assert spec["policyTypes"] == ["Ingress"]
    named = set()
    for template in pods().values():
        labels = template["metadata"]["labels"] | {"ray.io/is-ray-node": "yes"}
        assert spec["podSelector"]["matchLabels"].items() <= labels.items()
        (container,) = template["spec"]["containers"]
        named |= {each["name"] for each in container["ports"]}
    among_nodes, *others = spec["ingress"]
    assert among_nodes == {"from": [{"podSelector": spec["podSelector"]}]}
    admitted = [each["port"] for rule in others for each in rule["ports"]]
    assert admitted == ["serve", "metrics", "dashboard"]
    assert set(admitted) <= named


def test_replicas_fit_on_the_nodes_that_there_may_be_also_while_others_replace_them() -> None:
    """As many of each deployment as an update runs at most, by processors and GPUs, at a time."""
    from ray.serve._private.build_app import build_app

    from service.ray.application import build

    (application,) = configurations()["rayservice.yaml"]["applications"]
    options = {each["name"]: each for each in application["deployments"]}
    built = build_app(build(application["args"]), name="service", default_runtime_env=None)
    models = [path for path in SHIPPED_MODELS.iterdir() if path.is_dir()]
    assert len(built.deployments) == len(models) + 1
    cluster = read("rayservice.yaml")["spec"]["rayClusterConfig"]
    room = {"num_cpus": 0.0, "num_gpus": 0.0}
    for group in cluster["workerGroupSpecs"]:
        (container,) = group["template"]["spec"]["containers"]
        limits = container["resources"]["limits"]
        room["num_cpus"] += group["maxReplicas"] * float(limits["cpu"])
        room["num_gpus"] += group["maxReplicas"] * float(limits.get("nvidia.com/gpu", 0))
    for resource, there in room.items():
        asked = 0.0
        for each in built.deployments:
            given = options.get(each.name, {})
            replicas = given.get("autoscaling_config", {}).get("max_replicas", 1)
            surging = 1 + each._deployment_config.max_surge_percent / 100
            actor = {"num_cpus": 1} | given.get("ray_actor_options", {})
            asked += replicas * surging * actor.get(resource, 0)
        assert 0 < asked <= there
