"""The service under a path of a host that it shares, as docs/proxies.md says."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import httpx
import pytest

from service.client import Client, Result
from tests.proxies.conftest import PATH
from tests.proxies.proxy import Name, Proxy, proxy
from tests.service.job_requests import picture

ROOT = Path(__file__).parents[2]


def shown(language: Literal["nginx", "text"]) -> str:
    """Return the one block of a language in the document."""
    text = (ROOT / "docs" / "proxies.md").read_text()
    (block,) = re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return str(block)


def under_a_path(name: Name, text: str) -> str:
    """Return a configuration with what the document says."""
    if name == "haproxy":
        first = text.index("    http-request return")
        return text[:first] + shown("text") + text[first:]
    start, end = text.index("    location / {"), text.index("    location @error")
    return (text[:start] + shown("nginx") + text[end:]).replace("^/v2", f"^{PATH}/v2")


@pytest.fixture(scope="module")
def proxied(name: Name, port: int) -> Iterator[Proxy]:
    with proxy(name, port, change=under_a_path) as made:
        yield made


def get(proxied: Proxy, path: str) -> httpx.Response:
    return httpx.get(proxied.url + path, trust_env=False, verify=False)


def test_the_page_and_its_files_are_found(proxied: Proxy) -> None:
    for page in ("/", "/docs"):
        text = get(proxied, PATH + page).text
        files = re.findall(r'(?:src|href)="([^"#]+)"', text)
        assert files
        for file in files:
            answer = get(proxied, str(httpx.URL(f"{PATH}{page}").join(file)))
            assert answer.status_code == 200, file


def test_jobs_are_found_where_answers_say(proxied: Proxy) -> None:
    with Client(proxied.url + PATH) as client:
        job = client.submit(picture(), model="photo")
        result = job.result(timeout=30)
        assert isinstance(result, Result)
    document = get(proxied, f"{PATH}/jobs/{job.id}").json()
    assert get(proxied, document["result"]["href"]).content == result.content


def test_other_paths_and_what_stays_inside_are_refused(proxied: Proxy) -> None:
    assert get(proxied, "/health/live").status_code == 404
    assert get(proxied, f"{PATH}/metrics").status_code == 404
    assert get(proxied, f"{PATH}/%6detrics").status_code == 404
    refused = get(proxied, f"{PATH}/v2/repository/models/half.denoise/load")
    assert refused.status_code == 403
    assert list(refused.json()) == ["error"]
