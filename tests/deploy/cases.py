"""Values that together render every part of the chart."""

from typing import Any

from tests.deploy.chart import written

CASES: dict[str, dict[str, Any]] = {
    "defaults": {},
    "hpa, ingress and a claim of models": {
        "autoscaling": {"by": "hpa"},
        "ingress": {
            "enabled": True,
            "className": "nginx",
            "controller": "nginx",
            "host": "photographs.example",
            "tlsSecret": "certificate",
        },
        "models": {"existingClaim": "models"},
        "apiKeys": {"existingSecret": "keys"},
        "serviceMonitor": {"enabled": True, "bearerToken": {"existingSecret": "scraper"}},
        "prometheusRule": {"enabled": True, "labels": {"release": "prometheus"}},
        "networkPolicy": {"from": [{"namespaceSelector": {}}]},
        "preStopSleepSeconds": 5,
        "imagePullSecrets": [{"name": "registry"}],
        "podAnnotations": {"a.example/b": "c"},
        "podLabels": {"team": "photographs"},
        "nodeSelector": {"kubernetes.io/arch": "amd64"},
        "serviceAccountName": "service",
        "priorityClassName": "important",
    },
    "KEDA, a route, jobs in Redis and an image of models": {
        "autoscaling": {"by": "keda"},
        "httpRoute": {
            "enabled": True,
            "parentRefs": [{"name": "gateway"}],
            "hostnames": ["photographs.example"],
            "nginxClientSettingsPolicy": True,
        },
        "jobs": {"store": "redis", "redis": {"existingSecret": "redis"}},
        "quotas": {"redis": {"existingSecret": "redis", "key": "quotas"}},
        "models": {"image": {"reference": "registry.example/models:1"}},
        "networkPolicy": {"egress": [{"ports": [{"port": 6379}]}]},
        "env": [{"name": "OTEL_SERVICE_NAME", "value": "photographs"}],
        "image": {"digest": f"sha256:{'0' * 64}"},
    },
    "a folder of jobs": {
        "replicaCount": 1,
        "jobs": {"store": "claim", "claim": {"storageClassName": "local"}},
    },
    "GPUs": written("values-gpu.yaml"),
    "OpenVINO": written("values-openvino.yaml"),
}
