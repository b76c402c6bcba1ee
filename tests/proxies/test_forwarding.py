"""What a proxy tells the service of a client, and what clients get through it."""

import io
import json
import re
import socket
import threading
import time
from collections.abc import Mapping

import httpx
import numpy as np
import pytest

from tests.proxies.conftest import PATH, connections
from tests.proxies.http2 import ask, request
from tests.proxies.proxy import SITE, Name, Proxy, proxy
from tests.service.job_requests import ARRAY, UNFINISHED, picture
from tests.service.running import Running
from tests.service.wire import body_of, more, read_head

GET = request(b"GET", b"/health/live")
AUTHORITY = (b":authority", SITE.encode())
FORGED = {
    "X-Forwarded-For": "198.51.100.1",
    "X-Forwarded-Proto": "gopher",
    "X-Real-IP": "198.51.100.1",
    "Forwarded": "for=198.51.100.1",
}


def client(url: str, address: str = "127.0.0.1") -> httpx.Client:
    """Return a client that asks from an address of this machine."""
    return httpx.Client(
        base_url=url,
        transport=httpx.HTTPTransport(local_address=address, verify=False),
        timeout=60,
    )


def logged(service: Running, request_id: str) -> Mapping[str, object]:
    """Return what the service has logged of a request."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for line in service.log.read_text().splitlines():
            if line.startswith("{") and json.loads(line).get("request_id") == request_id:
                found: dict[str, object] = json.loads(line)
                return found
        time.sleep(0.02)
    raise AssertionError(f"expected a line of {request_id}")


def test_the_service_knows_who_asks_and_believes_nobody_else(
    proxied: Proxy, service: Running, name: Name
) -> None:
    for at, address in ((proxied.url, "127.0.0.3"), (service.url, "127.0.0.4")):
        request_id = f"{name}-{address}"
        with client(at, address) as asking:
            headers = {**FORGED, "X-Request-Id": request_id}
            answer = asking.post("/denoise", content=b"?", headers=headers)
        assert answer.status_code == 415
        assert answer.headers.get_list("x-request-id") == [request_id]
        assert logged(service, request_id)["address"] == address


@pytest.mark.parametrize("sent", ["two words", "x" * 129, ""])
def test_a_request_id_that_cannot_be_used_is_replaced(proxied: Proxy, sent: str) -> None:
    with client(proxied.url) as asking:
        answer = asking.get("/health/live", headers={"X-Request-Id": sent})
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])


def test_large_bodies_pass_both_ways_as_they_come(proxied: Proxy, service: Running) -> None:
    sent = np.random.default_rng(0).random((200_000, 4, 4), np.float32)  # 13 MB
    body = body_of(sent)
    with proxied.connect() as connection:
        head = f"POST /denoise HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body[:100_000])
        # Before the rest is sent, the service has the request: it comes without being stored.
        in_flight(service)
        threading.Thread(target=connection.sendall, args=(body[100_000:],)).start()
        told, received = read_head(connection)
        while len(received) < len(body):
            received += more(connection)
    assert told.startswith("HTTP/1.1 200")
    np.testing.assert_array_equal(np.load(io.BytesIO(received)), sent / 2)
    assert [each for each in proxied.folder.rglob("*") if "body/" in str(each)] == []


def in_flight(service: Running) -> None:
    deadline = time.monotonic() + 20
    with client(service.url) as asking:
        while "autoencoder_in_flight_requests 1.0" not in asking.get("/metrics").text:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_an_early_refusal_reaches_a_client_that_still_sends(proxied: Proxy) -> None:
    with proxied.connect() as connection:
        head = b"POST /denoise?steps=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n"
        connection.sendall(head)
        told, _ = read_head(connection)
        assert told.startswith("HTTP/1.1 422")


def test_a_body_beyond_the_limit_is_refused_in_the_service_s_words(proxied: Proxy) -> None:
    for length in (b"167772161", b"18446744073709551617"):
        with proxied.connect() as connection:
            connection.sendall(
                b"POST /denoise HTTP/1.1\r\nHost: x\r\nContent-Length: %s\r\n\r\n" % length
            )
            told, rest = read_head(connection)
        assert told.split()[1] in ("413", "400")
        if told.split()[1] == "413":
            assert b'"code":"body-too-large"' in rest
            json.loads(rest)


def test_events_of_a_job_come_while_it_runs(proxied: Proxy) -> None:
    with client(proxied.url) as asking:
        answer = asking.post("/jobs?model=photo&sigma=40", content=picture((1800, 1200)))
        assert answer.status_code == 202
        path = answer.headers["location"].removeprefix(PATH)
        with asking.stream("GET", f"{path}/events") as stream:
            events = (line for line in stream.iter_lines() if line.startswith("event: "))
            assert next(events) == "event: progress"
            with client(proxied.url) as looking:
                assert looking.get(path).json()["state"] in UNFINISHED
            assert list(events)[-1] == "event: end"


def test_connections_to_the_service_stay_open(proxied: Proxy, port: int) -> None:
    with client(proxied.url) as asking:
        asking.get("/health/live")
        before = connections(port)
        for _ in range(20):
            assert asking.get("/health/live").status_code == 200
        assert connections(port) <= before


def test_an_instance_that_is_gone_gets_no_requests(
    name: Name, port: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        gone = probe.getsockname()[1]
    with proxy(name, gone, port) as made, client(made.url) as asking:
        statuses = {asking.post("/denoise", json=ARRAY).status_code for _ in range(10)}
    assert statuses == {200}


def test_other_names_than_the_site_s_are_not_answered(name: Name, port: int) -> None:
    with proxy(name, port, any_host=False) as made, made.connect() as connection:
        connection.settimeout(0.3)
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: other.example\r\n\r\n")
        try:
            assert connection.recv(1) == b""
        except TimeoutError:  # HAProxy says nothing at all
            assert name == "haproxy"
        for redirected, status in ((made.port, 200), (made.redirect_port, 308)):
            answer = httpx.get(
                f"http://127.0.0.1:{redirected}/health/live", headers={"Host": SITE}, verify=False
            )
            assert answer.status_code == status
        assert answer.headers["location"] == f"https://{SITE}/health/live"


def test_other_names_are_not_answered_after_a_handshake_for_the_site(name: Name, port: int) -> None:
    with proxy(name, port, any_host=False) as made:
        for host, answered in ((SITE, b"HTTP/1.1 200"), ("other.example", b"")):
            with made.connect_tls("http/1.1") as connection:
                connection.settimeout(0.5 if answered == b"" else 30)
                connection.sendall(f"GET /health/live HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
                try:
                    assert connection.recv(12) == answered
                except TimeoutError:
                    assert (name, answered) == ("haproxy", b"")
        if name == "nginx":  # HAProxy says nothing at all, as above
            other = [
                (b":authority", b"other.example") if each == AUTHORITY else each for each in GET
            ]
            assert (ask(made, GET).status, ask(made, other).status) == (200, 0)
