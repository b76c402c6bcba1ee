"""HTTP/2 towards clients, HTTP/1.1 towards the service: nothing of a request becomes another."""

import re

import numpy as np
import pytest

from tests.proxies.attacks import HIDDEN
from tests.proxies.http2 import Header, ask, request
from tests.proxies.proxy import Proxy
from tests.proxies.test_smuggling import METRICS, Victim
from tests.service.running import Running
from tests.service.wire import body_of

INJECTED = b"y\r\n\r\n" + HIDDEN
LENGTH = (b"content-length", b"%d" % len(HIDDEN))


def test_requests_are_answered_over_http_2(proxied: Proxy) -> None:
    sent = np.full((1, 4, 4), 0.5, np.float32)
    answer = ask(proxied, request(b"POST", b"/denoise"), body_of(sent))
    assert answer.status == 200
    assert answer.body == body_of(sent / 2)
    assert re.fullmatch(rb"[0-9a-f]{32}", answer.headers[b"x-request-id"])
    assert answer.headers[b"strict-transport-security"] == b"max-age=63072000"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (request(b"GET", b"/health/live", (b"x", INJECTED)), b""),
        (request(b"GET", b"/health/live", (b"x: " + INJECTED, b"z")), b""),
        (request(b"GET", b"/health/live", (b"x\r\n\r\n" + HIDDEN, b"z")), b""),
        (request(b"GET", b"/health/live HTTP/1.1\r\nHost: x\r\n\r\n" + HIDDEN), b""),
        (request(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\nGET", b"/health/live"), b""),
        (request(b"GET", b"/health/live", (b"host", b"x\r\n\r\n" + HIDDEN)), b""),
        (request(b"GET", b"/health/live", (b"transfer-encoding", b"chunked")), b""),
        (request(b"POST", b"/decode", (b"transfer-encoding", b"chunked")), b"0\r\n\r\n" + HIDDEN),
        (request(b"POST", b"/decode", (b"content-length", b"0")), HIDDEN),
        (request(b"POST", b"/decode", (b"content-length", b"5"), LENGTH), HIDDEN),
        (request(b"POST", b"/decode", (b"content-length", b"5, 5")), HIDDEN),
        (request(b"POST", b"/decode", (b"content-length", b"+5")), HIDDEN),
        (request(b"POST", b"/decode", (b"content-length", b"999")), HIDDEN),
        (request(b"GET", b"/health/live", (b"connection", b"x-request-id, upgrade")), b""),
        (request(b"GET", b"/health/live", (b"upgrade", b"h2c")), b""),
        (request(b"GET", b"/health/live", (b"", b"x")), b""),
        (request(b"GET", b"/health/live", (b":path", b"/metrics")), b""),
        (request(b"GET", b"/health/live", (b"Transfer-Encoding", b"chunked")), b""),
        (request(b"GET", b"metrics"), b""),
        (request(b"GET", b"/metrics#x"), b""),
        (request(b"GET", b"/%6detrics"), b""),
        (request(b"GET", b""), b""),
    ],
)
def test_no_request_hides_in_another(
    proxied: Proxy, service: Running, headers: list[Header], body: bytes
) -> None:
    victim = Victim(proxied.connect)
    answer = ask(proxied, headers, body)
    assert METRICS not in answer.body
    assert b"victim" not in answer.body
    assert answer.headers.get(b"x-request-id") != b"hidden"
    victim.ask()
    assert "Traceback" not in service.log.read_text()
