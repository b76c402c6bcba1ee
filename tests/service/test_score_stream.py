"""POST /score/stream: rows go in and scores come out over one connection, at any pace."""

import json
import re
import socket
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.calibration import Calibration
from tests.service.asgi import check_problem
from tests.service.running import Running, running
from tests.service.tiny import write_model
from tests.service.wire import more, read_head

NDJSON = "application/x-ndjson"
PATH = "/score/stream?model=series"
ROWS: list[dict[str, Any]] = [{"x": float(x * x), "y": 0.0} for x in range(8)]
CALIBRATION = Calibration(
    data="9 windows", items=9, mean=1.0, deviation=0.5, shares=(0, 1), scores=(0.0, 20.0)
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    root = tmp_path_factory.mktemp("stream") / "models"
    for name in ("mirror", "half", "table", "series"):
        write_model(root, name)
    write_model(root, "series", name="calibrated", calibration=CALIBRATION)
    flags = ("--timeout=1.5", "--min-rate=1000000", "--shutdown-seconds=3", "--max-queue-items=40")
    with running(root, *flags) as service:
        yield service


def as_lines(rows: Sequence[Any]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def post(service: Running, body: bytes, path: str = PATH, media: str = NDJSON) -> httpx.Response:
    headers = {"Content-Type": media}
    return httpx.post(service.url + path, content=body, headers=headers, trust_env=False)


def lines_of(body: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in body.splitlines()]


def logged(service: Running, request_id: str) -> str:
    """Return the line of the log on a request."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for line in service.log.read_text().splitlines():
            if request_id in line:
                return line
        time.sleep(0.05)
    pytest.fail(f"expected a line on {request_id}, received:\n{service.log.read_text()}")


def begin(connection: socket.socket, path: str = PATH) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {NDJSON}\r\n"
    connection.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())


def chunk(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(body), body)


def rest(connection: socket.socket, received: bytes) -> bytes:
    """Return what is received until the other side closes, without the sizes of its chunks."""
    while piece := connection.recv(1 << 20):
        received += piece
    return b"".join(re.findall(rb"\{[^\r]*\n", received))


def test_each_window_has_the_score_that_the_whole_series_gives_it(service: Running) -> None:
    for name in ("series", "calibrated"):
        answer = post(service, as_lines(ROWS), f"/score/stream?model={name}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, NDJSON)
        assert answer.headers["x-model"] == name
        *windows, end = lines_of(answer.content)
        url = f"{service.url}/score?model={name}"
        whole = httpx.post(url, json={"rows": ROWS}, trust_env=False).json()
        assert end == {"rows": 8, "rows_left_over": whole["rows_left_over"]}
        named = {"start": "starts", "score": "scores"}
        if name == "calibrated":
            further = {"percentile": "percentiles", "z_score": "z_scores"}
            named |= further | {"is_anomaly": "is_anomaly"}
            assert float(answer.headers["x-score-threshold"]) == pytest.approx(whole["threshold"])
            assert {window["is_anomaly"] for window in windows} == {False, True}
        for window, *values in zip(windows, *(whole[each] for each in named.values()), strict=True):
            assert window == dict(zip(named, values, strict=True))


def test_a_long_series_is_larger_than_any_body(service: Running) -> None:
    rows = [{"x": float(x % 7), "y": 1.0} for x in range(20_001)]
    *windows, end = lines_of(post(service, as_lines(rows)).content)
    assert end == {"rows": 20_001, "rows_left_over": 0}
    assert [window["start"] for window in windows] == list(range(0, 19_999, 2))


def test_a_score_comes_before_the_next_row_is_sent(connection: socket.socket) -> None:
    begin(connection)
    connection.sendall(chunk(as_lines(ROWS[:2])))
    half, other = as_lines(ROWS[2:3])[:5], as_lines(ROWS[2:3])[5:]
    connection.sendall(chunk(half))
    connection.sendall(chunk(other))
    head, received = read_head(connection)
    assert head.startswith("HTTP/1.1 200 ")
    while b'"start":0' not in received:
        received += more(connection)
    for _ in range(4):  # longer than the time limit, and slower than the least rate
        time.sleep(0.5)
        connection.sendall(chunk(b"\n"))
    connection.sendall(chunk(as_lines(ROWS[3:5]).rstrip()) + b"0\r\n\r\n")
    first, second, end = lines_of(rest(connection, received))
    assert (first["start"], second["start"]) == (0, 2)
    assert end == {"rows": 5, "rows_left_over": 0}


def test_silence_ends_a_stream_with_an_error_in_its_last_line(connection: socket.socket) -> None:
    begin(connection)
    connection.sendall(chunk(as_lines(ROWS[:3])))
    head, received = read_head(connection)
    assert head.startswith("HTTP/1.1 200 ")
    *_, last = lines_of(rest(connection, received))
    assert last["error"]["code"] == "deadline-exceeded"
    expected = "timeout: expected a row or a blank line within 1.5 s, received none"
    assert last["error"]["detail"] == expected


@pytest.mark.parametrize(
    ("body", "status", "code", "detail"),
    [
        (b"", 400, "malformed-body", "rows: expected at least one, received none"),
        (b"[1\n", 400, "malformed-body", r"rows\[0\]: expected JSON in a line, received: .*"),
        (b"[1]\n", 422, "invalid-value", r"rows\[0\]: expected an object, received .*"),
        (b'{"x": 1}\n', 422, "invalid-value", r"rows\[0\]: expected the columns x, y, received .*"),
        (b" " * 70_000, 413, "body-too-large", r"rows\[0\]: expected a line of at most 65536 .*"),
    ],
)
def test_a_wrong_first_row_is_an_error(
    service: Running, body: bytes, status: int, code: str, detail: str
) -> None:
    assert re.fullmatch(detail, check_problem(post(service, body), status, code))


def test_a_wrong_later_row_is_named_by_its_number(service: Running) -> None:
    rows = [*ROWS[:5], {"x": "six", "y": 0}]
    for joined in (as_lines(rows), as_lines(ROWS * 40) + as_lines(rows)[:-20] + b"\n"):
        answer = post(service, joined)
        assert answer.status_code == 200
        *windows, last = lines_of(answer.content)
        number = joined.count(b"\n") - 1
        assert last["error"]["detail"].startswith(f"rows[{number}]")
        assert windows
        assert f"rows[{number}]" in logged(service, answer.headers["x-request-id"])


def test_what_no_stream_can_be_is_an_error(service: Running) -> None:
    table = post(service, as_lines(ROWS), "/score/stream?model=table")
    assert check_problem(table, 422, "invalid-value").endswith("received table")
    rate = post(service, as_lines(ROWS), f"{PATH}&false_alarm_rate=0.1")
    assert check_problem(rate, 422, "invalid-value").startswith("false_alarm_rate: expected none")
    unnamed = post(service, as_lines(ROWS), "/score/stream")
    assert check_problem(unnamed, 422, "invalid-value").startswith("model: ")
    media = post(service, as_lines(ROWS), media="application/json")
    assert check_problem(media, 415, "unsupported-media-type").startswith("Content-Type: expected")
    unknown = post(service, as_lines(ROWS), "/score/stream?model=none")
    check_problem(unknown, 404, "model-not-found")


def test_a_stream_alone_may_have_more_windows_than_are_admitted_at_once(service: Running) -> None:
    """It sends 128 windows together, and 40 items are admitted."""
    *windows, _ = lines_of(post(service, as_lines(ROWS * 100)).content)
    assert len(windows) == 399


def test_the_limit_of_outputs_is_that_of_windows_which_run_together(tmp_path: Path) -> None:
    """A window has 6 numbers of 4 bytes; rows that come at once end many."""
    for name in ("mirror", "half", "series"):
        write_model(tmp_path / "models", name)
    with running(tmp_path / "models", "--max-output-bytes=60") as service:
        *windows, end = lines_of(post(service, as_lines(ROWS * 100)).content)
        assert (len(windows), end) == (399, {"rows": 800, "rows_left_over": 1})
    with running(tmp_path / "models", "--max-output-bytes=20") as service:
        detail = check_problem(post(service, as_lines(ROWS)), 413, "body-too-large")
        assert detail.endswith("received a request for 24, of shape (1, 3, 2)")


def test_a_stream_that_is_open_as_the_service_stops_is_told(tmp_path: Path) -> None:
    write_model(tmp_path / "models", "series")
    for name in ("mirror", "half"):
        write_model(tmp_path / "models", name)
    with running(tmp_path / "models", "--shutdown-seconds=1", "--drain-seconds=0") as service:
        connection = service.connect()
        begin(connection)
        connection.sendall(chunk(as_lines(ROWS[:3])))
        _, received = read_head(connection)
        service.process.terminate()
        *_, last = lines_of(rest(connection, received))
        connection.close()
    assert last["error"]["code"] == "shutting-down"
