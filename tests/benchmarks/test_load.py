import asyncio
import json
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.crowd import Crowd, Plan
from benchmarks.load import request
from tests.benchmarks.scripted import ScriptedServer, plain

ROOT = Path(__file__).parents[2]
BODY = b'{"inputs": []}'


async def load(server: ScriptedServer, **options: Any) -> dict[str, Any]:
    sent = request(server.url, BODY, "application/json", ["X-Test: 1"])
    options = {"connections": 3, "seconds": 0.2, **options}
    return await Crowd(Plan("127.0.0.1", server.port, sent, **options)).run()


def counts(report: dict[str, Any]) -> dict[str, int]:
    return {status: summary["count"] for status, summary in report["statuses"].items()}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def test_every_answer_is_counted_by_its_status(server: ScriptedServer) -> None:
    server.script = lambda n: plain(200 if n % 3 else 503)
    report = await load(server)
    found = counts(report)
    assert set(found) == {"200", "503"}
    assert sum(found.values()) == len(server.requests)
    # Each of the three connections starts with a 503, and then sees two 200 for every other one.
    assert 0 <= 2 * found["503"] - found["200"] <= 2 * 3
    assert (report["lost"], report["refused"], report["wrong"]) == (0, 0, 0)
    assert server.connections == 3
    for summary in report["statuses"].values():
        assert 0 < summary["p50"] <= summary["p90"] <= summary["p99"] <= summary["max"]


async def test_the_request_is_sent_as_it_was_prepared(server: ScriptedServer) -> None:
    await load(server, connections=1)
    [sent] = set(server.requests)
    head, _, body = sent.partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"POST /path?query=1 HTTP/1.1",
        b"Host: 127.0.0.1:%d" % server.port,
        b"Content-Type: application/json",
        b"Content-Length: 14",
        b"X-Test: 1",
    ]
    assert body == BODY


async def test_what_comes_during_the_warm_up_is_not_counted(server: ScriptedServer) -> None:
    report = await load(server, warm_up=0.2)
    assert 0 < counts(report)["200"] < len(server.requests)


async def test_every_connection_asks_once_before_the_load_begins(server: ScriptedServer) -> None:
    numbers: list[int] = []

    def script(number: int) -> bytes:
        numbers.append(number)
        return plain(200)

    server.script = script
    await load(server, connections=100, warm_up=0.01, seconds=0.1)
    assert numbers[:100] == [0] * 100
    assert max(numbers) > 0


async def test_a_connection_that_is_never_answered_does_not_keep_the_load_from_beginning(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.crowd.INTRODUCTION", 0.1)
    monkeypatch.setattr("benchmarks.crowd.GRACE", 0.1)
    server.pause = 60.0
    report = await load(server, connections=2, warm_up=0.01)
    assert report["lost"] == 1
    assert counts(report)["200"] > 1


async def test_retry_after_is_honoured_where_it_is_asked_for(server: ScriptedServer) -> None:
    server.script = lambda _: plain(429, b"", "Retry-After: 60")
    report = await load(server, honour_retry_after=True)
    assert counts(report) == {"429": 3}
    assert len(server.requests) == 3


async def test_retry_after_is_ignored_else(server: ScriptedServer) -> None:
    server.script = lambda _: plain(429, b"", "Retry-After: 60")
    report = await load(server)
    assert counts(report)["429"] == len(server.requests) > 3


async def test_retry_after_is_honoured_over_a_connection_that_was_closed(
    server: ScriptedServer,
) -> None:
    server.script = lambda _: plain(429, b"", "Retry-After: 60", "Connection: close")
    report = await load(server, honour_retry_after=True)
    assert counts(report) == {"429": 3}
    assert server.connections > 3
    assert report["lost"] == 0


async def test_a_connection_that_closes_before_its_answer_is_lost_and_comes_back(
    server: ScriptedServer,
) -> None:
    server.script = lambda n: plain(200) if n < 4 else b""
    report = await load(server)
    assert report["lost"] > 0
    assert counts(report)["200"] + report["lost"] == len(server.requests)
    # Every connection that was opened was lost, but those open at the end.
    assert 0 <= server.connections - report["lost"] <= 3


async def test_an_answer_of_no_known_length_is_lost(server: ScriptedServer) -> None:
    server.script = lambda n: plain(200) if n else b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"
    report = await load(server)
    assert report["lost"] == len(server.requests) > 0
    assert report["statuses"] == {}


async def test_an_answer_after_which_the_server_closes_is_no_loss(server: ScriptedServer) -> None:
    server.script = lambda _: plain(200, b"ok", "Connection: close")
    report = await load(server)
    assert counts(report)["200"] == len(server.requests) > 3
    assert report["lost"] == 0


async def test_connections_that_are_refused_are_counted() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    sent = request("http://127.0.0.1/", BODY, "application/json")
    report = await Crowd(Plan("127.0.0.1", port, sent, connections=2, seconds=0.1)).run()
    assert report["refused"] >= 2
    assert (report["statuses"], report["lost"]) == ({}, 0)


async def test_an_answer_that_never_comes_is_lost(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.crowd.GRACE", 0.1)
    server.pause = 60.0
    report = await load(server, connections=1)
    assert (report["lost"], report["statuses"]) == (1, {})


@pytest.mark.parametrize(
    "whole",
    [
        plain(200, b"hello"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
    ],
)
async def test_bodies_are_compared_with_the_expected_one(
    server: ScriptedServer, whole: bytes
) -> None:
    server.script = lambda _: whole
    report = await load(server, expected=b"hello")
    assert report["wrong"] == 0
    report = await load(server, expected=b"other")
    assert report["wrong"] == counts(report)["200"] > 0


async def test_the_last_answers_of_a_few_connections_are_kept(
    server: ScriptedServer, tmp_path: Path
) -> None:
    server.script = lambda n: plain(200, b"%d" % n)
    report = await load(server, connections=9, keep=tmp_path)
    kept = contents(tmp_path)
    assert set(kept) == {"0", "1", "2", "3"}
    # Each says how many came before it over its connection, so these are the last ones.
    assert 0 < sum(int(body) + 1 for body in kept.values()) < counts(report)["200"]


async def test_an_open_loop_asks_no_more_than_is_due(server: ScriptedServer) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    report = await load(server, rate=200, seconds=0.3)
    assert 1 <= counts(report)["200"] == len(server.requests)
    assert len(server.requests) <= 200 * (loop.time() - began) + 1


async def test_the_latency_of_an_open_loop_counts_the_wait_for_a_free_connection(
    server: ScriptedServer,
) -> None:
    server.pause = 0.4
    report = await load(server, connections=1, rate=100, seconds=0.8)
    # Some thirty requests come due during the pause; in closed loop one alone would be late.
    late = report["statuses"]["200"]
    assert late["p90"] > 100


async def test_the_command_line_prints_what_was_seen(
    server: ScriptedServer, tmp_path: Path
) -> None:
    (tmp_path / "body").write_bytes(BODY)
    words = ["-m", "benchmarks.load", server.url, "--body", str(tmp_path / "body")]
    words += ["--connections", "2", "--seconds", "0.2", "--warm-up", "0"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *words, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0
    report = json.loads(printed)
    assert counts(report)["200"] == len(server.requests)
