"""Prometheus finds the pods, and its rules ask for metrics that the service has."""

import helm_python
import pytest

from tests.deploy.chart import NAME, NAMESPACE, ROOT, rendered, written


@pytest.mark.parametrize("names", [{}, {"nameOverride": "denoise"}, {"fullnameOverride": "n"}])
def test_a_monitor_scrapes_the_port_of_the_service(names: dict[str, str]) -> None:
    monitored = {"serviceMonitor": {"enabled": True, "labels": {"release": "p"}}}
    manifests = rendered(monitored | names)
    monitor = manifests["ServiceMonitor"]
    labels = manifests["Service"]["metadata"]["labels"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= labels.items()
    [endpoint] = monitor["spec"]["endpoints"]
    [port] = manifests["Service"]["spec"]["ports"]
    assert endpoint == {"port": port["name"], "path": "/metrics", "interval": "15s"}
    assert monitor["metadata"]["labels"]["release"] == "p"
    # Whatever the names are, it is the job that the rules ask for.
    assert labels[monitor["spec"]["jobLabel"]] == "autoencoder-service"


def test_a_monitor_has_a_key_where_keys_are_asked_for() -> None:
    keys = {"apiKeys": {"existingSecret": "keys"}}
    with pytest.raises(helm_python.HelmError, match="expected the Secret of a key of scope metr"):
        rendered(keys | {"serviceMonitor": {"enabled": True}})
    token = {"enabled": True, "bearerToken": {"existingSecret": "scraper"}}
    [endpoint] = rendered(keys | {"serviceMonitor": token})["ServiceMonitor"]["spec"]["endpoints"]
    assert endpoint["authorization"] == {"credentials": {"name": "scraper", "key": "token"}}


def test_rules_are_those_of_the_file_of_rules() -> None:
    rule = rendered({"prometheusRule": {"enabled": True, "labels": {"release": "p"}}})[
        "PrometheusRule"
    ]
    assert rule["metadata"]["labels"]["release"] == "p"
    [group], [shipped] = rule["spec"]["groups"], written("files/alerts.yaml")["groups"]
    down, *others = group["rules"]
    expected, *rest = shipped["rules"]
    assert others == rest
    # An instance of another release does not stand for those of this one.
    job = 'job="autoencoder-service"'
    pods = f'{job},namespace="{NAMESPACE}",service="{NAME}"'
    assert job in expected["expr"]
    assert down == expected | {"expr": expected["expr"].replace(job, pods)}


def test_rules_are_those_that_are_tested_without_the_chart() -> None:
    shipped = ROOT / "deploy" / "helm" / "autoencoder-service" / "files" / "alerts.yaml"
    assert shipped.read_text() == (ROOT / "deploy" / "monitoring" / "rules.yml").read_text()


def test_links_to_runbooks_begin_with_the_address_that_is_set() -> None:
    site = {"enabled": True, "docs": "https://docs.example"}
    [group] = rendered({"prometheusRule": site})["PrometheusRule"]["spec"]["groups"]
    links = [rule["annotations"]["runbook_url"] for rule in group["rules"]]
    assert links
    assert all(each.startswith("https://docs.example/docs/runbooks.html#") for each in links)


def test_without_the_operator_there_is_nothing_of_it() -> None:
    assert not rendered().keys() & {"ServiceMonitor", "PrometheusRule"}
