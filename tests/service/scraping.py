"""Prometheus's text, read back."""

from collections.abc import Callable

import httpx
from prometheus_client.parser import text_string_to_metric_families

Value = Callable[..., float | None]


def reader(text: str) -> Value:
    """Return what looks up a metric in Prometheus's text by its name and all of its labels."""
    values = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }

    def value(name: str, **labels: str) -> float | None:
        return values.get((f"autoencoder_{name}", frozenset(labels.items())))

    return value


async def scrape(client: httpx.AsyncClient) -> Value:
    answer = await client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return reader(answer.text)
