"""What goes over the wire: bodies of any size and manner, one connection for many of them."""

import contextlib
import io
import re
import socket
import threading
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import httpx
import numpy as np
import pytest

from tests.service.running import Running, running
from tests.service.tiny import write_model
from tests.service.wire import LARGE, MIDDLE, SMALL, body_of, check, head, images, more, read_head


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    root = tmp_path_factory.mktemp("protocol") / "models"
    for name in ("mirror", "half"):
        write_model(root, name)
    flags = ("--max-body-bytes=20000000", "--max-queue-items=1000000", "--timeout=2")
    with running(root, *flags) as service:
        yield service


def test_an_answer_to_head_is_a_head_alone(connection: socket.socket) -> None:
    for _ in range(2):
        connection.sendall(b"HEAD /health/ready HTTP/1.1\r\nHost: x\r\n\r\n")
        told, rest = read_head(connection)
        assert told.startswith("HTTP/1.1 200 ")
        assert rest == b""
    sent = images(SMALL)
    body = body_of(sent)
    connection.sendall(head(len(body)) + body)
    check(connection, sent)


@pytest.mark.parametrize("counts", [(SMALL,), (LARGE,), (LARGE, SMALL, LARGE, LARGE, SMALL)])
def test_a_connection_takes_one_body_after_another(
    connection: socket.socket, counts: tuple[int, ...]
) -> None:
    for count in counts:
        sent = images(count)
        body = body_of(sent)
        connection.sendall(head(len(body)) + body)
        check(connection, sent)


def test_a_body_may_come_in_drops(connection: socket.socket) -> None:
    sent = images(LARGE)
    body = body_of(sent)
    connection.sendall(head(len(body)))
    for start in range(0, len(body), 200_000):
        time.sleep(0.02)
        connection.sendall(body[start : start + 200_000])
    check(connection, sent)


def test_requests_may_be_sent_before_the_one_before_is_answered(connection: socket.socket) -> None:
    first, second, third = images(SMALL), images(LARGE), images(SMALL)
    wire = b"".join(head(len(body)) + body for body in map(body_of, (first, second, third)))
    threading.Thread(target=connection.sendall, args=(wire,)).start()
    received = b""
    while received.count(b"HTTP/1.1 200 OK") < 3 or not received.endswith(
        (third / 2).astype(np.float32).tobytes()
    ):
        received += more(connection)
    assert (second / 2).astype(np.float32).tobytes() in received


def test_two_bodies_in_one_read_are_two(connection: socket.socket) -> None:
    bodies = [images(MIDDLE), images(MIDDLE), images(SMALL)]
    connection.sendall(b"".join(head(len(body)) + body for body in map(body_of, bodies)))
    rest = b""
    for sent in bodies:
        while b"\r\n\r\n" not in rest:
            rest += more(connection)
        told, _, rest = rest.partition(b"\r\n\r\n")
        length = int(re.search(rb"content-length: (\d+)", told, re.IGNORECASE)[1])  # type: ignore[index]
        while len(rest) < length:
            rest += more(connection)
        np.testing.assert_array_equal(np.load(io.BytesIO(rest[:length])), sent / 2)
        rest = rest[length:]


@pytest.mark.parametrize("path", ["/health/live", "/playground/main.js", "/denoise"])
def test_head_is_answered_at_once(connection: socket.socket, path: str) -> None:
    for _ in range(2):
        connection.sendall(f"HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        connection.settimeout(3)
        told, rest = read_head(connection)
        assert (told[:8], rest) == ("HTTP/1.1", b"")


@pytest.mark.slow
@pytest.mark.parametrize("count", [SMALL, LARGE])
def test_a_body_that_stalls_is_given_up_in_time(
    service: Running, connection: socket.socket, count: int
) -> None:
    body = body_of(images(count))
    connection.sendall(head(len(body)) + body[:100])
    told, rest = read_head(connection)
    assert told.startswith("HTTP/1.1 503")
    assert "connection: close" in told
    assert b"expected all of the body within 2 s" in rest
    dated = parsedate_to_datetime(re.search("date: (.*)", told, re.IGNORECASE)[1])  # type: ignore[index]
    assert time.time() - dated.timestamp() < 2  # a second at most from the last tick, no request's
    assert "retry-after: 1" in told
    wait_for(service, "autoencoder_in_flight_bytes 0.0")


@pytest.mark.slow
def test_a_client_that_never_reads_is_given_up_in_time(service: Running) -> None:
    body = body_of(images(300_000))  # 19 MB, more than the system keeps for it
    with service.connect() as connection:
        connection.sendall(head(len(body)) + body)
        wait_for(service, "autoencoder_in_flight_requests 1.0")
        wait_for(service, "autoencoder_in_flight_requests 0.0")
        received = 0
        with contextlib.suppress(ConnectionResetError):
            while got := connection.recv(1 << 20):
                received += len(got)
        assert received < len(body)


def test_nothing_after_the_last_request_is_answered(connection: socket.socket) -> None:
    body = body_of(images(LARGE))
    connection.sendall(
        head(len(body), "Connection: close") + body + b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    )
    told, received = read_head(connection)
    assert told.startswith("HTTP/1.1 200")
    while got := connection.recv(1 << 20):
        received += got
    assert len(received) == len(body)


@pytest.mark.parametrize("count", [SMALL, LARGE])
def test_a_client_that_asks_first_is_told_to_go_on(connection: socket.socket, count: int) -> None:
    sent = images(count)
    body = body_of(sent)
    connection.sendall(head(len(body), "Expect: 100-continue"))
    told, rest = read_head(connection)
    assert (told, rest) == ("HTTP/1.1 100 Continue", b"")
    connection.sendall(body)
    check(connection, sent)


@pytest.mark.parametrize("count", [SMALL, LARGE])
def test_a_body_in_chunks_is_read(service: Running, count: int) -> None:
    sent = images(count)
    body = body_of(sent)

    def chunks() -> Iterator[bytes]:
        for start in range(0, len(body), 70_000):
            yield body[start : start + 70_000]

    received = httpx.post(f"{service.url}/denoise", content=chunks(), trust_env=False, verify=False)
    np.testing.assert_array_equal(np.load(io.BytesIO(received.content)), sent / 2)


@pytest.mark.parametrize("count", [SMALL, LARGE])
@pytest.mark.parametrize(("version", "line"), [("1.0", "X: y"), ("1.1", "Connection: close")])
def test_a_connection_that_is_to_be_closed_is_closed(
    connection: socket.socket, count: int, version: str, line: str
) -> None:
    sent = images(count)
    body = body_of(sent)
    connection.sendall(head(len(body), line, version=version) + body)
    check(connection, sent)
    assert connection.recv(1) == b""


def test_a_body_that_is_too_large_is_refused_before_it_comes(connection: socket.socket) -> None:
    connection.sendall(head(50_000_000))
    told, _ = read_head(connection)
    assert told.startswith("HTTP/1.1 413")


def test_the_head_and_the_body_of_an_answer_come_together(connection: socket.socket) -> None:
    body = body_of(images(SMALL))
    connection.sendall(head(len(body)) + body)
    _, rest = read_head(connection)
    assert len(rest) == len(body)


@pytest.mark.parametrize("share", [0.1, 0.9])
def test_a_client_that_goes_before_its_body_is_whole_leaves_nothing_behind(
    service: Running, share: float
) -> None:
    body = body_of(images(LARGE))
    with service.connect() as connection:
        connection.sendall(head(len(body)) + body[: int(len(body) * share)])
        wait_for(service, "autoencoder_in_flight_requests 1.0")
    wait_for(service, "autoencoder_in_flight_requests 0.0")
    wait_for(service, "autoencoder_in_flight_bytes 0.0")


def wait_for(service: Running, line: str) -> None:
    deadline = time.monotonic() + 30
    while line not in httpx.get(f"{service.own_url}/metrics", trust_env=False, verify=False).text:
        assert time.monotonic() < deadline, line
        time.sleep(0.02)


@pytest.mark.parametrize("count", [SMALL, MIDDLE])
@pytest.mark.parametrize("offered", ["h2c", "websocket"])
def test_a_client_that_offers_another_protocol_is_answered_in_this_one(
    connection: socket.socket, offered: str, count: int
) -> None:
    sent = images(count)
    body = body_of(sent)
    told = head(len(body), "Connection: Upgrade", f"Upgrade: {offered}")
    for pieces in ([told + body], [told, body], [told + body[:50], body[50:]]):
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(0.02)
        check(connection, sent)


def test_the_body_after_an_offered_upgrade_is_no_request(connection: socket.socket) -> None:
    inner = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
    connection.sendall(head(len(inner), "Connection: Upgrade", "Upgrade: h2c") + inner)
    told, _ = read_head(connection)
    assert told.split()[1] == "415"
    sent = images(SMALL)
    body = body_of(sent)
    connection.sendall(head(len(body)) + body)
    check(connection, sent)


@pytest.mark.parametrize(
    "framing",
    ["Transfer-Encoding: chunke\r\nTransfer-Encoding: gzip", "Transfer-Encoding: identity"],
)
def test_framing_that_is_none_beside_an_offered_upgrade_is_refused(
    connection: socket.socket, framing: str
) -> None:
    lines = ["POST / HTTP/1.1", "Host: x", "Connection: Upgrade", "Upgrade: h2c", framing, "", ""]
    connection.sendall("\r\n".join(lines).encode())
    assert read_head(connection)[0].split()[1] == "400"


def test_an_early_answer_reaches_a_client_that_still_sends(connection: socket.socket) -> None:
    body = bytes(25_000_000)  # more than is read
    connection.sendall(head(len(body), "Connection: close") + body)
    told, rest = read_head(connection)
    assert told.split()[1] == "413"
    while got := connection.recv(65536):
        rest += got
    assert b"body-too-large" in rest


def test_a_client_that_goes_before_its_answers_is_no_fault(
    service: Running, connection: socket.socket
) -> None:
    before = service.log.read_text()
    body = body_of(images(SMALL))
    for _ in range(20):
        with socket.create_connection(connection.getpeername()) as going:
            going.sendall((head(len(body)) + body) * 3)
    sent = images(SMALL)
    connection.sendall(head(len(body)) + body_of(sent))
    check(connection, sent)
    assert "ERROR" not in service.log.read_text().removeprefix(before)


@pytest.mark.parametrize(
    ("lines", "received"),
    [
        (b"Host: x\r\nhost: x\r\n", b"2"),
        (b"Host: x\r\nhost: y\r\n", b"2"),
        (b"", b"none"),
        (b"Host: x, y\r\n", b"one that is none"),
        (b"Host: user@x\r\n", b"one that is none"),
        (b"Host: x/y\r\n", b"one that is none"),
        (b"Host: x:80x\r\n", b"one that is none"),
        (b"Host: [::1\r\n", b"one that is none"),
        (b"Host: \xff\r\n", b"one that is none"),
    ],
)
def test_a_request_has_one_host(connection: socket.socket, lines: bytes, received: bytes) -> None:
    connection.sendall(b"GET /health/live HTTP/1.1\r\n" + lines + b"\r\n")
    told, rest = read_head(connection)
    assert told.startswith("HTTP/1.1 400 ")
    assert rest == b"Host: expected one name or address and port, received " + received
    assert connection.recv(1) == b""


@pytest.mark.parametrize(
    "line",
    [
        "HTTP/1.1\r\nHost: x:8000",
        "HTTP/1.1\r\nHost: [::1]:80",
        "HTTP/1.1\r\nHost: a_b-c.example.",
        "HTTP/1.1\r\nHost: %C3%A9",
        "HTTP/1.1\r\nHost:",
        "HTTP/1.0",
    ],
)
def test_hosts_of_every_form_are_taken(connection: socket.socket, line: str) -> None:
    connection.sendall(f"GET /health/live {line}\r\n\r\n".encode())
    assert read_head(connection)[0].startswith("HTTP/1.1 200 ")


START = b"POST /denoise HTTP/1.1\r\nHost: x\r\n"


CHUNKED = START + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"


@pytest.mark.parametrize(
    ("start", "unit"),
    [
        (START + b"Accept: ", b"a/b,"),
        (START, b"X-Header: 1\r\n"),
        (b"POST /denoise?fit=", b"1"),
        (CHUNKED + b"1;", b"x"),
        (CHUNKED + b"0\r\nX-Trailer: ", b"x"),
    ],
)
def test_a_head_without_end_is_refused_and_holds_nobody_up(
    service: Running, connection: socket.socket, start: bytes, unit: bytes
) -> None:
    connection.sendall(start)
    rest = unit * (4_000_000 // len(unit))
    with contextlib.suppress(ConnectionError):  # it may be closed after a while
        connection.sendall(rest)
    told, _ = read_head(connection)
    assert told.startswith("HTTP/1.1 431 Request Header Fields Too Large")
    assert "content-type: text/plain" in told
    assert httpx.get(f"{service.url}/health/live", trust_env=False, verify=False).status_code == 200


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"GET /health/live?" + b"x" * 8179, "200"),
        (b"GET /health/live?" + b"x" * 8180, "414"),
        (b"GET /health/live HTTP/1.1\r\nHost: x" + b"\r\nX-A: b" * 127, "200"),
        (b"GET /health/live HTTP/1.1\r\nHost: x" + b"\r\nX-A: b" * 128, "431"),
    ],
)
def test_a_url_and_the_number_of_headers_have_a_bound(
    connection: socket.socket, line: bytes, status: str
) -> None:
    rest = b"" if b"HTTP/1.1" in line else b" HTTP/1.1\r\nHost: x"
    connection.sendall(line + rest + b"\r\n\r\n")
    told, body = read_head(connection)
    assert told.split()[1] == status
    if status != "200":
        assert "content-type: text/plain" in told
        assert re.match(rb"(URL|head): expected at most \d+ (bytes|headers), received \d+$", body)


def test_a_head_of_many_bytes_is_read(connection: socket.socket) -> None:
    sent = images(MIDDLE)
    body = body_of(sent)
    for _ in range(3):  # each counts by itself
        connection.sendall(head(len(body), "X-Long: " + "x" * 60_000) + body)
        check(connection, sent)


def test_a_body_whose_framing_breaks_ends_its_request(
    service: Running, connection: socket.socket
) -> None:
    def broken_off() -> float:
        text = httpx.get(f"{service.own_url}/metrics", trust_env=False, verify=False).text
        found = re.search(r'requests_total{model="",operation="denoise",status="499"} (.+)', text)
        return float(found[1]) if found else 0.0

    before = broken_off()
    connection.sendall(CHUNKED + b"no number\r\n")
    told, _ = read_head(connection)
    assert told.startswith("HTTP/1.1 400 ")
    deadline = time.monotonic() + 20
    while broken_off() == before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert broken_off() == before + 1
    assert "Traceback" not in service.log.read_text()
