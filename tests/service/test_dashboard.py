"""The dashboard and the alerts ask for metrics and labels that the service has."""

import re
from collections import defaultdict
from pathlib import Path

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from service.access.allowance import Allowance
from tests.service import dashboard
from tests.service.keys import lines, made
from tests.service.running import ROOT
from tests.service.tiny import Start

IMAGE = [[0.0] * 4] * 4


@pytest.fixture
async def labels(start: Start) -> dict[str, set[str]]:
    """The labels of every series of a service that has answered, and refused."""
    key = made("shop", "infer", "metrics")
    limited = made("limited", allowance=Allowance(requests=1))
    client = start(api_keys=lines(key, limited))
    for _ in range(2):
        await client.get("/models", headers=limited.bearer)
    client.headers.update(key.bearer)
    await client.post("/encode", json={"inputs": [IMAGE]})
    await client.post("/encode", json={"inputs": []})
    await client.post("/denoise?model=photo", json={"inputs": [[[[0.5] * 3]]]})
    found: dict[str, set[str]] = defaultdict(set, up=set())
    for family in text_string_to_metric_families((await client.get("/metrics")).text):
        for sample in family.samples:
            found[sample.name] |= set(sample.labels)
    return found


def unknown(labels: dict[str, set[str]], expression: str, shown: set[str]) -> list[str]:
    """What an expression, and a text that shows its labels, name and the service has not."""
    missing, known = [], set(dashboard.ADDED)
    for metric, selected in dashboard.selectors(expression):
        if metric not in labels:
            missing.append(metric)
        known |= labels.get(metric, set())
        missing += [f"{metric}{{{each}}}" for each in selected - labels[metric] - dashboard.ADDED]
    asked = dashboard.grouped(expression) | shown
    return missing + sorted(asked - known - {"le"} if "_bucket" in expression else asked - known)


async def test_the_dashboard_asks_for_metrics_that_exist(labels: dict[str, set[str]]) -> None:
    queries = list(dashboard.panel_queries())
    assert len(queries) > 20
    for panel, expression, legend in queries:
        assert list(dashboard.selectors(expression)), panel
        shown = set(re.findall(r"\{\{(\w+)\}\}", legend))
        assert unknown(labels, expression, shown) == [], panel
        assert shown <= dashboard.grouped(expression), panel
    variables = dict(dashboard.variable_queries())
    assert variables
    for expression, label in dashboard.variable_queries():
        assert unknown(labels, expression, {label}) == []


async def test_the_alerts_ask_for_metrics_that_exist(labels: dict[str, set[str]]) -> None:
    assert dashboard.rules()
    for rule in dashboard.rules():
        shown = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
        assert unknown(labels, rule["expr"], shown) == [], rule["alert"]


def test_what_does_not_exist_is_found() -> None:
    labels = defaultdict(set[str], autoencoder_requests_total={"operation"})
    query = 'sum by (modell) (rate(autoencoder_requests_total{operations="x"}[5m])) > autoencoder_a'
    assert unknown(labels, query, {"b"}) == [
        "autoencoder_requests_total{operations}", "autoencoder_a", "b", "modell",
    ]  # fmt: skip


def test_every_metric_is_on_the_dashboard() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text()
    described = set(re.findall(r"^\| `(autoencoder_\w+)` \| \w+ \| ", page, re.MULTILINE))
    shown = {
        re.sub("_(bucket|sum|count)$", "", metric)
        for _, expression, _ in dashboard.panel_queries()
        for metric, _ in dashboard.selectors(expression)
    }
    assert shown == described


def test_every_alert_links_to_its_runbook_which_says_what_to_do() -> None:
    text = (ROOT / "docs" / "runbooks.md").read_text()
    sections = dict(
        section.split("\n", 1) for section in re.split("^## ", text, flags=re.MULTILINE)[1:]
    )
    names = [rule["alert"] for rule in dashboard.rules()]
    assert list(sections) == names
    for rule in dashboard.rules():
        address = rule["annotations"]["runbook_url"]
        assert address == (
            "{{ $externalLabels.autoencoder_docs }}/docs/runbooks.html#" + rule["alert"].lower()
        )
        assert rule["labels"]["severity"] in ("critical", "warning")
        for part in ("**It means**", "**Look at**", "**Do**"):
            assert part in sections[rule["alert"]], rule["alert"]


def test_every_alert_is_tested() -> None:
    tests = yaml.safe_load((dashboard.MONITORING / "rules.test.yml").read_text())["tests"]
    cases = [case for test in tests for case in test["alert_rule_test"]]
    fired = {case["alertname"] for case in cases if case["exp_alerts"]}
    quiet = {case["alertname"] for case in cases if not case["exp_alerts"]}
    assert fired == quiet == {rule["alert"] for rule in dashboard.rules()}


def test_the_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    ids = [panel["id"] for panel in dashboard.board()["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in dashboard.board()["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (place["x"] + column, place["y"] + row)
            for column in range(place["w"])
            for row in range(place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


def test_compose_mounts_what_grafana_and_prometheus_read() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    jobs = yaml.safe_load((dashboard.MONITORING / "prometheus.yml").read_text())["scrape_configs"]
    (found,) = jobs[0]["dns_sd_configs"]
    watching = {name for name, each in services.items() if "monitoring" in each.get("profiles", ())}
    assert watching == {"prometheus", "grafana"}
    assert set(found["names"]) == set(services) - watching
    secret = Path(jobs[0]["authorization"]["credentials_file"])
    assert secret.parent == Path("/run/secrets")
    assert secret.name in services["prometheus"]["secrets"]
    provisioning = dashboard.MONITORING / "grafana" / "provisioning"
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "dashboards.yml").read_text())[
        "providers"
    ]
    mounts = dict(each.split(":")[:2] for each in services["grafana"]["volumes"])
    inside = {target: ROOT / source for source, target in mounts.items()}
    assert inside[provider["options"]["path"]] == dashboard.BOARD.parent
    assert inside["/etc/grafana/provisioning"] == provisioning
    home = services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert inside[home.rpartition("/")[0]] / home.rpartition("/")[2] == dashboard.BOARD
    for name in watching:
        assert re.fullmatch(r"(prom|grafana)/\w+:v?\d+\.\d+\.\d+", services[name]["image"])


async def test_a_service_without_keys_ignores_the_empty_one_of_prometheus(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/metrics", headers={"Authorization": "Bearer"})
    assert answer.status_code == 200


async def test_openmetrics_is_written_where_it_is_asked_for(client: httpx.AsyncClient) -> None:
    asked = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3"
    answer = await client.get("/metrics", headers={"Accept": asked})
    assert answer.headers["content-type"] == (
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    )
    assert answer.text.endswith("# EOF\n")
    odd = await client.get("/metrics", headers={"Accept": "application/openmetrics-text;version=a"})
    assert odd.headers["content-type"] == answer.headers["content-type"]
