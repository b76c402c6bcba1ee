"""When requests are sent again: the decisions alone, then over sockets."""

import gzip
import io
import json
import socket
import threading
import time
from datetime import UTC, datetime
from typing import Any

import httpx
import numpy as np
import pytest

from service.client import Client, errors, retries
from service.client.flow import Flow, Pause, Request, Send
from service.client.retries import Retries, retry_after
from tests.client.conftest import Connect
from tests.client.scripted import CUT, TRICKLE, answer, scripted

GET = Request("GET", "models")
JOB = Request("POST", "jobs", is_idempotent=False)
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MODELS = answer("200 OK", b'{"models": []}', media_type="application/json")


def problem(status: int, code: str, **headers: str) -> httpx.Response:
    document = {"status": status, "code": code, "title": code, "detail": "expected less"}
    kind = {"Content-Type": "application/problem+json"}
    return httpx.Response(status, headers=headers | kind, content=json.dumps(document))


def pauses(
    flow: Flow[httpx.Response], *replies: httpx.Response | httpx.RequestError
) -> list[float]:
    """Give replies to a flow, and then a success; return the seconds that it waits before each."""
    waited: list[float] = []
    step = next(flow)
    for reply in replies:
        assert isinstance(step, Send)
        step = flow.throw(reply) if isinstance(reply, Exception) else flow.send(reply)
        assert isinstance(step, Pause)
        waited.append(step.seconds)
        step = flow.send(None)
    with pytest.raises(StopIteration) as stop:
        flow.send(httpx.Response(200))
    assert stop.value.value.status_code == 200
    return waited


@pytest.fixture
def longest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw the longest pause each time."""
    monkeypatch.setattr("random.uniform", lambda _low, high: high)


@pytest.mark.usefixtures("longest")
def test_pauses_double_up_to_a_bound() -> None:
    failures = [httpx.ReadError("cut")] * 5 + [httpx.Response(502), httpx.Response(504)] * 2
    expected = [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert pauses(Retries(600, 20).send(GET), *failures) == expected


@pytest.mark.usefixtures("longest")
def test_what_retry_after_says_is_waited_and_no_attempt_counted() -> None:
    refused = [problem(429, "overloaded", **{"Retry-After": "8"})] * 20
    assert pauses(Retries(600, 0).send(GET), *refused) == [10.0] * 20
    assert pauses(
        Retries(600, 0).send(JOB), problem(429, "quota-exceeded", **{"Retry-After": "20"})
    ) == [25.0]
    busy = problem(503, "deadline-exceeded", **{"Retry-After": "0"})
    assert pauses(Retries(600, 0).send(JOB), busy) == [0.5]


def test_full_jitter_draws_from_all_of_the_pause() -> None:
    drawn = [retries.backoff(3) for _ in range(500)]
    assert 0 <= min(drawn) < 0.4
    assert 3.6 < max(drawn) <= 4


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        ("Fri, 02 Jan 2026 03:04:15 GMT", 10.0),
        ("Friday, 02-Jan-26 03:04:15 GMT", 10.0),
        ("Fri Jan  2 03:04:15 2026", 10.0),
        ("Fri, 02 Jan 2026 03:00:00 GMT", 0.0),
        (None, None),
        ("", None),
        ("soon", None),
        ("-3", None),
        ("1.5", None),
        ("99999999999999999999", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, NOW) == seconds


@pytest.mark.parametrize(
    ("request_", "reply", "error"),
    [
        (GET, problem(422, "invalid-value"), errors.InvalidValue),
        (GET, problem(500, "internal-error"), errors.InternalError),
        (GET, problem(409, "job-not-finished", **{"Retry-After": "1"}), errors.JobNotFinished),
        (GET, problem(429, "overloaded", **{"Retry-After": "999"}), errors.Overloaded),
        (GET, problem(418, "of-the-future"), errors.RequestError),
        (GET, problem(503, "of-the-future", **{"Retry-After": "999"}), errors.Unavailable),
        (GET, httpx.Response(301, headers={"Location": "/x"}), errors.UnexpectedResponse),
        (GET, httpx.UnsupportedProtocol("gopher"), errors.Unreachable),
        (JOB, httpx.ReadError("cut"), errors.Unreachable),
        (JOB, httpx.Response(502), errors.UnexpectedResponse),
        (JOB, httpx.Response(503, headers={"Retry-After": "0"}), errors.UnexpectedResponse),
        (JOB, httpx.Response(504), errors.UnexpectedResponse),
        (JOB, problem(503, "shutting-down"), errors.ShuttingDown),
        (JOB, problem(503, "jobs-unavailable", **{"Retry-After": "0"}), errors.JobsUnavailable),
        (JOB, problem(503, "of-the-future"), errors.Unavailable),
    ],
)
def test_some_errors_are_raised_at_once(
    request_: Request, reply: Any, error: type[errors.ServiceError]
) -> None:
    flow = Retries(600, 5).send(request_)
    next(flow)
    with pytest.raises(error) as raised:
        _ = flow.throw(reply) if isinstance(reply, Exception) else flow.send(reply)
    assert raised.value.__cause__ is (reply if isinstance(reply, Exception) else None)


@pytest.mark.parametrize(
    "reply",
    [
        httpx.ConnectError("refused"),
        problem(429, "overloaded", **{"Retry-After": "1"}),
        problem(503, "deadline-exceeded"),
        httpx.Response(429),
    ],
)
def test_a_job_is_submitted_again_only_where_nothing_was_stored(reply: Any) -> None:
    assert len(pauses(Retries(600, 5).send(JOB), reply)) == 1


@pytest.mark.usefixtures("longest")
def test_a_wait_with_an_end_goes_on_to_it() -> None:
    flow = Retries(3.0, 5, late=lambda: TimeoutError("over")).send(GET)
    waited: list[float] = []
    next(flow)
    for _ in range(4):
        step = flow.send(httpx.Response(503))
        assert isinstance(step, Pause)
        waited.append(step.seconds)
        if len(waited) < 4:
            flow.send(None)
    assert waited == [0.5, 1, 2, pytest.approx(3, abs=0.5)]  # the last would be 4
    with pytest.raises(TimeoutError, match="over") as raised:
        flow.send(None)
    assert isinstance(raised.value.__cause__, errors.UnexpectedResponse)


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pause for no longer than a test should take."""
    monkeypatch.setattr(retries, "FIRST", 0.01)


@pytest.mark.usefixtures("brief")
def test_a_body_is_sent_again_in_full_after_each_failure(connect: Connect) -> None:
    image = np.zeros((4, 4), np.uint8)
    known = {"X_Model_Version": "2", "X_Image_Warning": "truncated; rows 3 of 4"}
    soon = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    script = [
        answer("503 Service Unavailable", b"{}", Retry_After=soon),
        answer("429 Too Many Requests", b"{}", Retry_After="0"),
        answer("502 Bad Gateway", b"<html>bad gateway</html>", media_type="text/html"),
        answer("200 OK", b"half of it", Content_Length="1000") + CUT,
        b"",
        answer("200 OK", b"picture", media_type="image/png", X_Model="half", **known),
    ]
    with scripted(script) as server:
        result = connect(server.url, retries=4).denoise(image, model="half")
    assert (result.content, result.model, result.version) == (b"picture", "half", 2)
    assert result.warning == "truncated; rows 3 of 4"
    assert len(server.bodies) == len(script)
    assert len(set(server.bodies)) == 1
    assert np.load(io.BytesIO(server.bodies[0])).shape == (1, 4, 4)


@pytest.mark.usefixtures("brief")
def test_the_last_error_is_raised(connect: Connect) -> None:
    page = b"<html>" + b"bad gateway " * 100
    for response, error, told in (
        (answer("502 Bad Gateway", page, media_type="text/html"), errors.UnexpectedResponse, "502"),
        (
            answer("200 OK", b"half", Content_Length="9") + CUT,
            errors.Unreachable,
            "GET models: Rem",
        ),
        (answer("200 OK", b"no JSON"), errors.UnexpectedResponse, "expected models, received 200"),
        (answer("200 OK", b'{"models": [{}]}'), errors.UnexpectedResponse, "expected models"),
    ):
        with scripted([MODELS.replace(b"200 OK", b"502 No"), response]) as server:
            with pytest.raises(error, match=told) as raised:
                connect(server.url, retries=1).models()
            assert len(str(raised.value)) < 400
            assert len(server.heads) == 2


def test_a_call_ends_when_its_time_is_over(connect: Connect) -> None:
    with scripted([]) as server, pytest.raises(errors.Unreachable, match="ReadTimeout"):
        connect(server.url, timeout=0.3).models()


def test_a_response_that_trickles_ends_in_time_too(connect: Connect) -> None:
    endless = answer("200 OK", b"", media_type="application/json", Content_Length="999999")
    with (
        scripted([endless + TRICKLE]) as server,
        pytest.raises(errors.Unreachable, match=r"expected all of the response within 0\.3 s"),
    ):
        connect(server.url, timeout=0.3).models()


def test_a_compressed_response_is_read(connect: Connect) -> None:
    body = gzip.compress(b'{"models": []}')
    kind = {"media_type": "application/json", "Content_Encoding": "gzip"}
    with scripted([answer("200 OK", body, **kind)]) as server:
        assert connect(server.url).models() == []


@pytest.mark.usefixtures("brief")
def test_a_service_that_is_not_there_yet_is_waited_for(connect: Connect) -> None:
    with scripted([MODELS]) as server:
        pass  # its port is free now
    port = int(server.url.rpartition(":")[2])

    def appear() -> None:
        time.sleep(0.2)
        with socket.create_server(("127.0.0.1", port)) as listener:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(MODELS)

    thread = threading.Thread(target=appear)
    thread.start()
    assert connect(server.url, retries=20).models() == []
    thread.join()


def test_a_number_that_makes_no_sense_is_refused() -> None:
    for options in ({"timeout": 0}, {"timeout": float("nan")}, {"retries": -1}):
        with pytest.raises(ValueError, match="timeout, retries: expected more than 0 seconds"):
            Client(**options)
