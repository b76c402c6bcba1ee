"""Log lines: what is worth one, at which level, in text and in JSON."""

import asyncio
import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from service.inference.session import Session
from service.telemetry import logging as logs
from tests.service.gate import Gate
from tests.service.tiny import Start

BODY = {"inputs": [[[0.0] * 4] * 4]}
ID = {"X-Request-Id": "abc-1"}
Lines = Callable[[], list[str]]


@pytest.fixture
def set_up(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[str, logs.Format], Lines]]:
    """Set logs up as the service does; return what reads the lines written since the last time."""

    def of(level: str, style: logs.Format) -> Lines:
        logs.set_up(level, style)
        logging.getLogger("httpx").setLevel(logging.WARNING)  # the client in the same process
        return lines

    def lines() -> list[str]:
        return capsys.readouterr().err.splitlines()

    yield of
    logging.getLogger("httpx").setLevel(logging.NOTSET)


def of_requests(lines: list[str]) -> list[str]:
    return [line for line in lines if "service.requests" in line]


def untimed(line: str) -> str:
    """A line of text without its time, which is the first thing in it."""
    time, rest = line[:23], line[24:]
    datetime.strptime(time, "%Y-%m-%d %H:%M:%S,%f")  # noqa: DTZ007 - it is local, for people
    return rest


def fail(*_: object) -> None:
    raise RuntimeError("out of\nmemory")


async def test_a_refused_request_is_one_line_with_its_id(
    set_up: Callable[..., Lines], client: httpx.AsyncClient
) -> None:
    lines = set_up("info", "text")
    await client.post("/encode", json={"inputs": [[1]]}, headers=ID)
    (line,) = lines()
    told = re.sub(r"[\d.]+ ms", "1 ms", untimed(line))
    assert told == (
        "INFO service.requests: abc-1 POST /encode 422 in 1 ms: "
        "shape-mismatch: images: expected (batch, 4, 4), received (1, 1)"
    )


async def test_what_went_well_is_for_debugging(
    set_up: Callable[..., Lines], client: httpx.AsyncClient
) -> None:
    lines = set_up("info", "text")
    await client.post("/encode", json=BODY, headers=ID)
    assert lines() == []
    lines = set_up("debug", "text")
    await client.post("/encode", json=BODY, headers=ID)
    (line,) = of_requests(lines())
    assert untimed(line).startswith("DEBUG service.requests: abc-1 POST /encode 200 in ")


async def test_what_a_full_queue_refused_is_for_debugging(
    set_up: Callable[..., Lines], start: Start, gate: Gate
) -> None:
    client = start(max_queue_items=1)
    gate.close()
    admitted = asyncio.create_task(client.post("/encode", json=BODY))
    await gate.reached()
    lines = set_up("info", "text")
    assert (await client.post("/encode", json=BODY)).status_code == 429
    assert lines() == []
    lines = set_up("debug", "text")
    await client.post("/encode", json=BODY, headers=ID)
    (line,) = of_requests(lines())
    gate.open()
    await admitted
    assert untimed(line).startswith("DEBUG service.requests: abc-1 POST /encode 429 in ")


async def test_a_fault_is_an_error_with_its_id_and_its_traceback(
    set_up: Callable[..., Lines], client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Session, "run", fail)
    lines = set_up("error", "text")
    await client.post("/encode", json=BODY, headers=ID)
    written = lines()
    assert untimed(written[0]) == "ERROR service.requests: request abc-1 failed"
    assert written[1] == "    Traceback (most recent call last):"
    assert untimed(written[-1]).startswith("ERROR service.requests: abc-1 POST /encode 500 in ")


async def test_a_model_that_cannot_be_loaded_as_a_client_asked_is_a_warning(
    set_up: Callable[..., Lines], client: httpx.AsyncClient, models: Path
) -> None:
    (models / "half" / "2" / "encode.onnx").write_bytes(b"no graph")
    lines = set_up("info", "text")
    path = "/v2/repository/models/half.encode/load"
    assert (await client.post(path, headers=ID)).status_code == 500
    (line,) = of_requests(lines())
    assert untimed(line).startswith(f"WARNING service.requests: abc-1 POST {path} 500 in ")


async def test_in_json_a_request_is_an_object_with_a_field_for_each_fact(
    set_up: Callable[..., Lines], client: httpx.AsyncClient
) -> None:
    lines = set_up("debug", "json")
    await client.post("/encode?model=half", json=BODY, headers=ID)
    (line,) = of_requests(lines())
    told: dict[str, Any] = json.loads(line)
    assert told.pop("milliseconds") > 0
    assert told.pop("time").endswith("+00:00")
    assert told.pop("message").startswith("abc-1 POST /encode 200 in ")
    assert told == {
        "level": "DEBUG",
        "logger": "service.requests",
        "request_id": "abc-1",
        "method": "POST",
        "path": "/encode",
        "status": 200,
        "address": "127.0.0.1",
    }


async def test_in_json_a_refused_request_has_the_code_and_the_detail_of_its_answer(
    set_up: Callable[..., Lines], client: httpx.AsyncClient
) -> None:
    lines = set_up("info", "json")
    answer = await client.post("/encode?model=x", json=BODY, headers=ID)
    (line,) = lines()
    told, problem = json.loads(line), answer.json()
    assert (told["code"], told["detail"]) == (problem["code"], problem["detail"])


async def test_chunks_of_a_picture_are_no_lines_of_the_log(
    set_up: Callable[..., Lines], client: httpx.AsyncClient
) -> None:
    lines = set_up("debug", "text")
    stream = io.BytesIO()
    Image.new("L", (4, 4)).save(stream, "PNG")
    assert (await client.post("/denoise", content=stream.getvalue())).status_code == 200
    assert [line for line in lines() if "PIL" in line] == []


async def test_in_json_a_fault_is_one_line_with_its_traceback(
    set_up: Callable[..., Lines], client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Session, "run", fail)
    lines = set_up("error", "json")
    await client.post("/encode", json=BODY, headers=ID)
    fault, request = map(json.loads, lines())
    assert (fault["level"], fault["request_id"]) == ("ERROR", "abc-1")
    assert fault["exc_info"].startswith("Traceback")
    assert fault["exc_info"].endswith("RuntimeError: out of\nmemory")
    assert (request["status"], request["request_id"]) == (500, "abc-1")


@pytest.mark.parametrize("style", ["text", "json"])
async def test_the_log_of_the_server_itself_is_in_the_same_format(
    set_up: Callable[..., Lines], style: logs.Format
) -> None:
    lines = set_up("info", style)
    logging.getLogger("uvicorn.error").info("Started %s", "it", extra={"color_message": "\x1b[1m"})
    logging.getLogger("uvicorn.access").info("every request")
    (line,) = lines()
    if style == "text":
        assert untimed(line) == "INFO uvicorn.error: Started it"
    else:
        told = json.loads(line)
        del told["time"]
        assert told == {"level": "INFO", "logger": "uvicorn.error", "message": "Started it"}


def test_a_clients_words_can_neither_pass_for_a_line_nor_steer_a_terminal(
    set_up: Callable[..., Lines],
) -> None:
    lines = set_up("info", "text")
    logging.getLogger("service.requests").info(
        "%s 404", "/x\nERROR:     root: \x1b[31m\x9b2Jforged\r"
    )
    first, second = lines()
    assert [untimed(first), second] == [
        "INFO service.requests: /x",
        "    ERROR:     root: \\x1b[31m\\x9b2Jforged\\x0d 404",
    ]


def test_an_exceptions_words_can_neither_pass_for_a_line_nor_steer_a_terminal(
    set_up: Callable[..., Lines],
) -> None:
    lines = set_up("info", "text")
    try:
        raise ValueError("/x\n2026-11-29 00:00:00,000 INFO root: \x1b[2Jforged")
    except ValueError:
        logging.getLogger("service.requests").exception("failed")
    first, *others = lines()
    assert untimed(first) == "ERROR service.requests: failed"
    assert {line[:4] for line in others} == {"    "}
    assert others[-2:] == [
        "    ValueError: /x",
        "    2026-11-29 00:00:00,000 INFO root: \\x1b[2Jforged",
    ]
