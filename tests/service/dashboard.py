"""The queries of the dashboard and of the alerts, and what they name."""

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from tests.service.running import ROOT

MONITORING = ROOT / "deploy" / "monitoring"
BOARD = MONITORING / "grafana" / "dashboards" / "autoencoder-service.json"
ADDED = {"job", "instance", "namespace", "service"}
"""Labels that Prometheus adds to every series that it scrapes."""
SELECTOR = re.compile(r"\b(autoencoder_\w+|up)\b(?:\{([^}]*)\})?")
LABEL = re.compile(r'(\w+)(?:=~|!=|!~|=)"')
GROUPED = re.compile(r"\b(?:by|on|without) \(([^)]*)\)")


def board() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(BOARD.read_text())
    return loaded


def panel_queries() -> Iterator[tuple[str, str, str]]:
    """Yield the panel, the expression and the legend of each query, with variables for all."""
    for panel in board()["panels"]:
        for target in panel.get("targets", ()):
            text = target["expr"].replace("$__rate_interval", "5s")
            yield panel["title"], re.sub(r"\$\w+", ".*", text), target["legendFormat"]


def variable_queries() -> Iterator[tuple[str, str]]:
    """Yield the selector and the label of each variable that the dashboard asks Prometheus for."""
    for variable in board()["templating"]["list"]:
        if variable["type"] == "query":
            found = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"])
            assert found, variable
            yield re.sub(r"\$\w+", ".*", found[1]), found[2]


def rules() -> list[dict[str, Any]]:
    loaded = yaml.safe_load((MONITORING / "rules.yml").read_text())
    return [rule for group in loaded["groups"] for rule in group["rules"]]


def selectors(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Yield the metrics of an expression, each with the labels that it is selected by."""
    for found in SELECTOR.finditer(expression):
        yield found[1], set(LABEL.findall(found[2] or ""))


def grouped(expression: str) -> set[str]:
    """Return the labels that an expression groups by."""
    return {label.strip() for names in GROUPED.findall(expression) for label in names.split(",")}
