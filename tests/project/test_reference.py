"""The pages that the code writes are up to date, and the page on metrics lists all of them."""

import re
from pathlib import Path

import httpx
import pytest

from docs import chart, reference


def test_the_helm_chart_checks_settings_as_the_service_does() -> None:
    assert chart.schema() == chart.SCHEMA.read_text(), "run: make reference"


@pytest.mark.slow
async def test_the_endpoints_are_those_of_the_openapi_document() -> None:
    made = reference.endpoints(await reference.document())
    assert made == reference.ENDPOINTS.read_text(), "run: make reference"


def test_an_operation_of_an_unknown_group_is_an_error() -> None:
    paths = {"/new": {"get": {"tags": ["news"], "summary": "New", "responses": {}}}}
    with pytest.raises(ValueError, match="expected those of GROUPS, received news"):
        reference.endpoints({"paths": paths, "components": {"schemas": {}}})


def test_the_manifest_is_described_as_it_is_checked() -> None:
    assert reference.manifest() == reference.MANIFEST.read_text(), "run: make reference"


@pytest.mark.slow
def test_every_metric_is_described_with_its_type_and_no_other(root: Path, address: str) -> None:
    shown = httpx.get(f"{address}/metrics", trust_env=False).text
    kinds = dict(re.findall(r"^# TYPE (autoencoder_\w+) (\w+)$", shown, re.MULTILINE))
    page = (root / "docs" / "metrics.md").read_text()
    assert dict(re.findall(r"^\| `(autoencoder_\w+)` \| (\w+) \|", page, re.MULTILINE)) == kinds
