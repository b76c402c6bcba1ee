"""Pods have no privileges, keys stay in Secrets, and only the HTTP port is open."""

import pytest

from tests.deploy.cases import CASES
from tests.deploy.chart import container, environment, pod, rendered

VOLUMES = {"emptyDir", "image", "persistentVolumeClaim", "secret"}


@pytest.mark.parametrize("case", CASES)
def test_pods_meet_the_restricted_standard_with_a_root_that_is_read_only(case: str) -> None:
    manifests = rendered(CASES[case])
    spec = pod(manifests)
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
    assert container(manifests)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    for volume in spec["volumes"]:
        assert len(volume.keys() & VOLUMES) == 1
    assert {each["name"] for each in spec["volumes"]} == {
        each["name"] for each in container(manifests)["volumeMounts"]
    }


@pytest.mark.parametrize("case", CASES)
def test_a_pod_has_bounds_of_memory(case: str) -> None:
    limits = container(rendered(CASES[case]))["resources"]["limits"]
    assert limits["memory"].endswith("Gi")
    assert ("nvidia.com/gpu" in limits) == (case == "GPUs")


def test_no_keys_are_asked_for_unless_their_secret_is_named() -> None:
    manifests = rendered()
    assert "SERVICE_API_KEYS_FILE" not in environment(manifests)
    assert "api-keys" not in {each["name"] for each in pod(manifests)["volumes"]}


def test_keys_are_a_folder_that_follows_its_secret() -> None:
    manifests = rendered({"apiKeys": {"existingSecret": "keys", "file": "all"}})
    [volume] = [each for each in pod(manifests)["volumes"] if each["name"] == "api-keys"]
    # The user of the image reads it as a member of fsGroup, and nobody else does.
    assert volume["secret"] == {"secretName": "keys", "defaultMode": 0o440}
    assert pod(manifests)["securityContext"]["fsGroup"] == 10001
    [mount] = [each for each in container(manifests)["volumeMounts"] if each["name"] == "api-keys"]
    assert "subPath" not in mount
    assert mount["readOnly"]
    assert environment(manifests)["SERVICE_API_KEYS_FILE"] == f"{mount['mountPath']}/all"


def test_the_chart_makes_no_secret() -> None:
    for values in CASES.values():
        assert "Secret" not in rendered(values)


def test_only_the_http_port_is_open_and_nothing_goes_out() -> None:
    manifests = rendered()
    policy = manifests["NetworkPolicy"]["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policy["ingress"] == [{"ports": [{"port": "http"}]}]
    assert policy["egress"] == []
    labels = manifests["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert policy["podSelector"]["matchLabels"].items() <= labels.items()


def test_what_may_go_out_is_what_was_named_and_the_resolution_of_names() -> None:
    to = {"to": [{"ipBlock": {"cidr": "10.0.0.7/32"}}], "ports": [{"port": 6379}]}
    egress = rendered({"networkPolicy": {"egress": [to]}})["NetworkPolicy"]["spec"]["egress"]
    assert egress == [
        {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]},
        to,
    ]


def test_evictions_leave_all_pods_but_one_that_serves() -> None:
    manifests = rendered()
    assert manifests["PodDisruptionBudget"]["spec"]["maxUnavailable"] == 1
    assert manifests["Deployment"]["spec"]["replicas"] == 2
    assert manifests["Deployment"]["spec"]["strategy"]["rollingUpdate"] == {
        "maxSurge": 1,
        "maxUnavailable": 0,
    }
