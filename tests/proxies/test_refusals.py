"""What a proxy answers itself has the form of the service's errors."""

import http.client
import json
import re
import socket

import pytest

from service.errors import problem_document
from tests.proxies.proxy import Name, Proxy, proxy

REQUEST_ID = "of-the-client"
V2 = "/v2/models/half.denoise/infer"
TOO_LARGE = {"Content-Length": "167772161"}
UNREACHABLE = {
    "nginx": (502, "bad-gateway", "Bad gateway"),
    "haproxy": (503, "unavailable", "Unavailable"),
}


def refused(proxied: Proxy, method: str, path: str, **headers: str) -> tuple[int, str, object]:
    """Return the status, the type and the JSON of an answer that repeats the request's id."""
    connection = http.client.HTTPConnection("127.0.0.1", proxied.port, timeout=30)
    connection.request(method, path, headers={"X-Request-Id": REQUEST_ID, **headers})
    answer = connection.getresponse()
    content = json.loads(answer.read())
    connection.close()
    assert answer.headers.get_all("X-Request-Id") == [REQUEST_ID]
    assert answer.headers.get_all("X-Content-Type-Options") == ["nosniff"]
    return answer.status, answer.headers["Content-Type"], content


def check(proxied: Proxy, method: str, path: str, status: int, code: str, title: str) -> None:
    """Send a request, and compare the answer with the service's error in that place."""
    headers = TOO_LARGE if status == 413 else {}
    told, media_type, content = refused(proxied, method, path, **headers)
    assert told == status
    assert isinstance(content, dict)
    if f"{path}/".startswith("/v2/"):
        assert media_type == "application/json"
        assert content["error"].partition("expected ")[1]
        assert status > 500 or list(content) == ["error"]
    else:
        assert media_type == "application/problem+json"
        document = problem_document(status, code, title, content["detail"])
        assert {each: content[each] for each in document} == document


@pytest.mark.parametrize("path", ["/denoise", "/v2x", V2, "/v2"])
def test_a_body_that_is_too_large(proxied: Proxy, path: str) -> None:
    check(proxied, "POST", path, 413, "body-too-large", "Body too large")


def test_a_path_below_v2_in_another_spelling(proxied: Proxy) -> None:
    *_, content = refused(proxied, "POST", "/%762/models", **TOO_LARGE)
    assert content == {"error": "body: expected at most 167772160 bytes, received more"}


def test_what_stays_inside(proxied: Proxy) -> None:
    check(proxied, "GET", "/metrics", 404, "not-found", "Not found")
    load = "/v2/repository/models/half.denoise/load"
    check(proxied, "POST", load, 403, "forbidden", "Forbidden")


@pytest.mark.parametrize("path", ["/denoise", V2])
def test_no_instance_that_accepts_connections(name: Name, path: str) -> None:
    with socket.socket() as gone:
        gone.bind(("127.0.0.1", 0))
        with proxy(name, gone.getsockname()[1]) as made:
            check(made, "GET", path, *UNREACHABLE[name])


@pytest.mark.parametrize("path", ["/denoise", V2])
def test_an_instance_that_does_not_answer(name: Name, path: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with proxy(name, port, change=lambda _, text: impatient(text)) as made:
            check(made, "GET", path, 504, "gateway-timeout", "Gateway timeout")


def impatient(text: str) -> str:
    """Return a configuration that waits a second for an answer."""
    return re.sub(r"(proxy_read_timeout|timeout server) ( *)120s", r"\1 \2 1s", text)
