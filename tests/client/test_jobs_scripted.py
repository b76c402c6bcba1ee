"""Jobs whose events are held up, cut or wrong, and jobs that end in other ways than a result."""

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from service.client import JobStatus, errors, job_calls, retries
from tests.client.conftest import Connect
from tests.client.scripted import CUT, TRICKLE, answer, scripted

GRAY = np.zeros((4, 4), np.uint8)
JSON = "application/json"


def document(state: str, share: float = 0.0, **more: Any) -> bytes:
    progress = {"megapixels_done": 2 * share, "megapixels_total": 2.0, "share": share}
    known = {"id": "a b", "state": state, "operation": "denoise", "progress": progress}
    return json.dumps(known | {"created": "2026-01-02T03:04:05Z", "expires": None} | more).encode()


def told(*documents: bytes) -> bytes:
    """Return a stream of events, which is cut at its end."""
    events = b"".join(b"event: progress\ndata: " + each + b"\n\n" for each in documents)
    return answer("200 OK", events, media_type="text/event-stream", Content_Length="9999") + CUT


def said(*documents: bytes) -> list[bytes]:
    return [answer("200 OK", each, media_type=JSON) for each in documents]


SUBMITTED = answer("202 Accepted", document("queued"), media_type=JSON)
RESULT = answer("200 OK", b"picture", media_type="image/png", X_Model="half", X_Model_Version="2")


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_calls, "SOON", 0.01)
    monkeypatch.setattr(retries, "FIRST", 0.01)


def test_a_job_is_submitted_followed_and_fetched(connect: Connect) -> None:
    stream = told(document("running", 0.5), document("succeeded", 1.0))
    with scripted([SUBMITTED, stream, RESULT]) as server:
        job = connect(server.url).submit(GRAY, sigma=3, format="png", callback="http://host/hook")
        assert (job.id, job.status.state) == ("a b", "queued")
        assert job.status.created == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        seen: list[JobStatus] = []
        job.wait(seen.append)
        assert [(each.state, each.share) for each in seen] == [("running", 0.5), ("succeeded", 1)]
        assert seen[0].megapixels_done == 1.0
        assert job.result().content == b"picture"
    posted, listened, fetched = (head.partition(" HTTP")[0] for head in server.heads)
    assert posted == ("POST /jobs?operation=denoise&sigma=3&callback=http%3A%2F%2Fhost%2Fhook")
    assert "accept: image/png" in server.heads[0].lower()
    assert (listened, fetched) == ("GET /jobs/a%20b/events", "GET /jobs/a%20b/result")


@pytest.mark.parametrize(
    "stream",
    [
        told(document("running", 0.25)),
        told(b"no JSON"),
        told(b"[]"),
        answer("200 OK", b"<html>", media_type="text/html"),
        answer("502 Bad Gateway", b"<html>"),
        b"",
    ],
)
def test_a_job_whose_events_fail_is_asked_for(connect: Connect, stream: bytes) -> None:
    answers = [stream, *said(document("running", 0.5), document("succeeded", 1.0)), RESULT]
    with scripted([*said(document("queued")), *answers]) as server:
        job = connect(server.url).job("a b")
        states = [(each.state, each.share) for each in job.events()]
        assert states[-2:] == [("running", 0.5), ("succeeded", 1.0)]
        assert job.result().version == 2
    assert [head.split()[1] for head in server.heads[2:4]] == ["/jobs/a%20b"] * 2


def test_a_failed_job_raises_what_its_operation_would_have(connect: Connect) -> None:
    problem = {"status": 422, "code": "shape-mismatch", "title": "Shape mismatch", "detail": "x"}
    with scripted(said(document("failed", error=problem))) as server:
        job = connect(server.url).job("a b")
        assert isinstance(job.status.error, errors.ShapeMismatch)
        with pytest.raises(errors.ShapeMismatch, match="Shape mismatch: x"):
            job.result()


def test_a_cancelled_job_has_no_result(connect: Connect) -> None:
    gone = json.dumps({"status": 404, "code": "job-not-found", "detail": "x"}).encode()
    refusal = answer("404 Not Found", gone, media_type="application/problem+json")
    script = [SUBMITTED, answer("204 No Content"), *said(document("cancelled")), refusal, refusal]
    with scripted(script) as server:
        job = connect(server.url).submit(GRAY)
        job.cancel()
        assert job.refresh().is_finished
        with pytest.raises(errors.JobCancelled, match="expected one with a result, received a b"):
            job.result()
        job.cancel()
        with pytest.raises(errors.JobNotFound):
            job.refresh()
    assert server.heads[1].startswith("DELETE /jobs/a%20b ")


SLOW = said(document("running", 0.1, seconds_left=1000.0))
STREAM = answer("200 OK", media_type="text/event-stream", Content_Length="999999")
LATER = answer("503 Service Unavailable", b"{}", Retry_After="60")


@pytest.mark.parametrize(
    "script",
    [
        [b"", *said(document("running", 0.1, seconds_left=0.0)) * 200],
        [b"", *SLOW],
        [STREAM + TRICKLE, *SLOW * 2],
        [LATER, LATER],
        [LATER, answer("200 OK", media_type=JSON, Content_Length="9999") + TRICKLE],
        [],
    ],
)
def test_a_wait_for_a_job_ends_in_time(connect: Connect, script: list[bytes]) -> None:
    with scripted([*said(document("running")), *script]) as server:
        job = connect(server.url).job("a b")
        with pytest.raises(TimeoutError, match=r"expected its end within 0.15 s, received none"):
            job.wait(timeout=0.15)


@pytest.mark.parametrize("status", ["502 Bad Gateway", "503 Unavailable", "504 Gateway Timeout"])
def test_a_job_that_may_be_stored_is_not_submitted_again(connect: Connect, status: str) -> None:
    with scripted([answer(status, Retry_After="0"), SUBMITTED]) as server:
        with pytest.raises(errors.UnexpectedResponse):
            connect(server.url).submit(GRAY)
        assert len(server.heads) == 1


def test_a_job_that_is_refused_is_submitted_again(connect: Connect) -> None:
    with scripted([answer("429 Too Many Requests", Retry_After="0"), SUBMITTED]) as server:
        assert connect(server.url).submit(GRAY).id == "a b"


def test_what_is_no_job_is_unexpected(connect: Connect) -> None:
    for body in (b"{}", b"[]", b"<html>", document("running", created="yesterday")):
        with (
            scripted([answer("200 OK", body, media_type=JSON)]) as server,
            pytest.raises(errors.UnexpectedResponse, match="expected a job, received 200"),
        ):
            connect(server.url).job("a b")
