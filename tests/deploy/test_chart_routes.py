"""Ingress and Gateway admit what the service admits, and wait as long as it takes."""

from typing import Any

import helm_python
import pytest

from tests.deploy.chart import NAME, environment, rendered

INGRESS = {"enabled": True, "host": "photographs.example", "controller": "nginx"}
ROUTE = {"enabled": True, "parentRefs": [{"name": "gateway"}], "nginxClientSettingsPolicy": True}
CONTROLLERS = [
    ("ingress-nginx", "nginx.ingress.kubernetes.io/proxy-", "body-size", ""),
    ("nginx", "nginx.org/proxy-", "", "s"),
]


@pytest.mark.parametrize("most", [167772160, 1073741824])
@pytest.mark.parametrize(("controller", "prefix", "size", "unit"), CONTROLLERS)
def test_an_ingress_has_the_body_limit_of_the_service(
    controller: str, prefix: str, size: str, unit: str, most: int
) -> None:
    manifests = rendered(
        {"ingress": INGRESS | {"controller": controller}, "settings": {"max_body_bytes": most}}
    )
    annotations = manifests["Ingress"]["metadata"]["annotations"]
    named = f"{prefix}{size}" if size else "nginx.org/client-max-body-size"
    assert annotations[named] == environment(manifests)["SERVICE_MAX_BODY_BYTES"] == str(most)
    for each in ("read", "send"):
        assert annotations[f"{prefix}{each}-timeout"] == f"120{unit}"
    assert annotations[f"{prefix}buffering"] in ("off", "False")
    # A request that is refused early is not read to its end first. F5's has no such annotation.
    requests = annotations.get(f"{prefix}request-buffering")
    assert requests == ("off" if controller == "ingress-nginx" else None)


def test_an_ingress_of_another_controller_has_the_annotations_that_are_given() -> None:
    given = {"haproxy.org/timeout-server": "120s"}
    values = {"ingress": INGRESS | {"controller": "other", "annotations": given}}
    assert rendered(values)["Ingress"]["metadata"]["annotations"] == given


def test_a_policy_of_nginx_gateway_fabric_has_the_body_limit_of_the_service() -> None:
    manifests = rendered({"httpRoute": ROUTE, "settings": {"max_body_bytes": 1073741824}})
    policy = manifests["ClientSettingsPolicy"]["spec"]
    assert policy["body"]["maxSize"] == "1073741824"
    assert policy["targetRef"] == {
        "group": "gateway.networking.k8s.io",
        "kind": "HTTPRoute",
        "name": manifests["HTTPRoute"]["metadata"]["name"],
    }


def test_a_route_bounds_requests_but_those_that_answer_piece_by_piece() -> None:
    rules = rendered({"httpRoute": ROUTE})["HTTPRoute"]["spec"]["rules"]
    limits = {
        match["path"]["value"]: rule["timeouts"]["request"]
        for rule in rules
        for match in rule["matches"]
    }
    assert limits == {"/denoise": "0s", "/jobs": "0s", "/": "120s"}


def test_both_lead_to_the_service_and_it_to_the_pods() -> None:
    values = {"httpRoute": ROUTE, "ingress": INGRESS, "service": {"port": 8080}}
    manifests = rendered(values)
    service = manifests["Service"]
    assert service["metadata"]["name"] == NAME
    [port] = service["spec"]["ports"]
    for rule in manifests["HTTPRoute"]["spec"]["rules"]:
        assert rule["backendRefs"] == [{"name": NAME, "port": port["port"]}]
    [rule] = manifests["Ingress"]["spec"]["rules"]
    [path] = rule["http"]["paths"]
    assert path["backend"]["service"] == {"name": NAME, "port": {"name": port["name"]}}
    template = manifests["Deployment"]["spec"]["template"]
    assert service["spec"]["selector"].items() <= template["metadata"]["labels"].items()
    [named] = template["spec"]["containers"][0]["ports"]
    assert port["targetPort"] == named["name"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (
            {"ingress": INGRESS | {"timeoutSeconds": 20}},
            "ingress.timeoutSeconds: expected at least settings.timeout, 30, received 20",
        ),
        (
            {"httpRoute": ROUTE, "settings": {"timeout": 300}},
            "httpRoute.timeoutSeconds: expected at least settings.timeout, 300, received 120",
        ),
        (
            {"ingress": {"enabled": True, "controller": "other"}},
            "ingress.host: expected a name, received none",
        ),
        (
            {"ingress": {"enabled": True, "host": "photographs.example"}},
            "ingress.controller: expected nginx, ingress-nginx or other, received none",
        ),
        ({"httpRoute": {"enabled": True}}, "httpRoute.parentRefs: expected a Gateway"),
    ],
)
def test_a_route_that_would_break_off_requests_is_refused(
    values: dict[str, Any], expected: str
) -> None:
    with pytest.raises(helm_python.HelmError, match=expected):
        rendered(values)
