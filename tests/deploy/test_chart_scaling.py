"""Pods are added by the age of the queue and by refusals, in metrics that the service has."""

import re
from typing import Any

import helm_python
import pytest

from tests.deploy.chart import NAME, NAMESPACE, ROOT, rendered, written

AGE, REJECTED = "autoencoder_queue_age_seconds", "autoencoder_rejected_total"


def _metrics() -> dict[str, str]:
    page = (ROOT / "docs" / "metrics.md").read_text()
    return dict(re.findall(r"^\| `(autoencoder_\w+)` \| (\w+) \|", page, re.MULTILINE))


def test_the_service_has_both_metrics() -> None:
    assert _metrics().items() >= {AGE: "gauge", REJECTED: "counter"}.items()


def test_an_autoscaler_asks_for_what_the_adapter_makes() -> None:
    manifests = rendered({"autoscaling": {"by": "hpa"}})
    scaler = manifests["HorizontalPodAutoscaler"]["spec"]
    rules = written("files/prometheus-adapter.yaml")["rules"]["custom"]
    made = {rule["name"]["as"]: rule["seriesQuery"].partition("{")[0] for rule in rules}
    assert made == {AGE: AGE, "autoencoder_rejected_per_second": REJECTED}
    asked = {each["pods"]["metric"]["name"]: each["pods"]["target"] for each in scaler["metrics"]}
    assert asked == {
        AGE: {"type": "AverageValue", "averageValue": "5"},
        "autoencoder_rejected_per_second": {"type": "AverageValue", "averageValue": "0.1"},
    }
    assert scaler["scaleTargetRef"]["name"] == manifests["Deployment"]["metadata"]["name"]


def test_keda_asks_for_the_pods_of_the_release() -> None:
    manifests = rendered({"autoscaling": {"by": "keda"}})
    scaled = manifests["ScaledObject"]["spec"]
    assert scaled["scaleTargetRef"]["name"] == manifests["Deployment"]["metadata"]["name"] == NAME
    pods = f'namespace="{NAMESPACE}",service="{manifests["Service"]["metadata"]["name"]}"'
    asked = {
        each["metadata"]["query"]: each["metadata"]["threshold"] for each in scaled["triggers"]
    }
    assert asked == {
        f"sum(max by (pod) ({AGE}{{{pods}}}))": "5",
        f"sum(rate({REJECTED}{{{pods}}}[2m]))": "0.1",
    }
    # A fallback is for averages alone, and metrics that are missing are no zero.
    assert {each["metricType"] for each in scaled["triggers"]} == {"AverageValue"}
    assert {each["metadata"]["ignoreNullValues"] for each in scaled["triggers"]} == {"false"}
    assert scaled["fallback"]["behavior"] == "currentReplicasIfHigher"


def test_a_photograph_alone_adds_no_pod() -> None:
    page = (ROOT / "docs" / "denoising.md").read_text()
    [speed] = re.findall(r"^\| 12 MP \| ([\d.]+) \|", page, re.MULTILINE)
    tile = (1536 / 1000) ** 2 / float(speed)  # its second tile waits for the first
    assert 2 * tile < written("values.yaml")["autoscaling"]["queueAgeSeconds"]


@pytest.mark.parametrize("by", ["hpa", "keda"])
def test_an_autoscaler_alone_says_how_many_pods_there_are(by: str) -> None:
    assert "replicas" not in rendered({"autoscaling": {"by": by}})["Deployment"]["spec"]
    assert rendered({"replicaCount": 3})["Deployment"]["spec"]["replicas"] == 3


def test_both_scale_alike() -> None:
    hpa = rendered({"autoscaling": {"by": "hpa"}})["HorizontalPodAutoscaler"]["spec"]
    keda = rendered({"autoscaling": {"by": "keda"}})["ScaledObject"]["spec"]
    assert hpa["behavior"] == keda["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    assert (hpa["minReplicas"], hpa["maxReplicas"]) == (2, 10)
    assert (keda["minReplicaCount"], keda["maxReplicaCount"]) == (2, 10)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"jobs": {"store": "claim"}}, "jobs.store: expected redis for several pods"),
        (
            {"replicaCount": 1, "jobs": {"store": "claim"}, "autoscaling": {"by": "hpa"}},
            "jobs.store: expected redis for several pods",
        ),
        ({"jobs": {"store": "redis"}}, "existingSecret: expected the Secret of Redis's URL"),
        (
            {"jobs": {"store": "redis", "redis": {"existingSecret": "redis"}}},
            "networkPolicy.egress: expected a rule that lets jobs reach Redis",
        ),
        (
            {"quotas": {"redis": {"existingSecret": "redis"}}},
            "networkPolicy.egress: expected a rule that lets quotas reach Redis",
        ),
        (
            {"models": {"existingClaim": "a", "image": {"reference": "b"}}},
            "models: expected image.reference or existingClaim, received both",
        ),
        (
            {"autoscaling": {"by": "keda", "minReplicas": 11}},
            "autoscaling.minReplicas: expected at most maxReplicas, 10, received 11",
        ),
    ],
)
def test_pods_that_would_not_find_their_jobs_or_models_are_refused(
    values: dict[str, Any], expected: str
) -> None:
    with pytest.raises(helm_python.HelmError, match=expected):
        rendered(values)
