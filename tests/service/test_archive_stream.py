"""Photographs in a container are sent as each is done, to whoever reads them, however slowly."""

import asyncio
import io
import json
import re
import socket
import zipfile
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from PIL import Image

from service.inference.session import Session
from tests.service.asgi import Caller, application_of, check_problem
from tests.service.clock import Clock
from tests.service.gate import Gate
from tests.service.photograph_files import encoded
from tests.service.running import Running, running
from tests.service.tiny import Start, write_model
from tests.service.zip_files import file, zipped

IN_FLIGHT = re.compile(r"\w+_in_flight_\w+ ")
MANY = {f"{number}.png": file("png", 40 + number, 30) for number in range(8)}


class ZipCaller(Caller):
    """A client that sends MANY photographs in a zip."""

    def __init__(self, service: httpx.AsyncClient) -> None:
        headers = {"Content-Type": "application/zip", "Accept": "*/*"}
        path = "/denoise?model=photo"
        super().__init__(application_of(service), "POST", path, zipped(MANY), headers)

    def manifest(self) -> list[dict[str, Any]]:
        """What the answer says of each photograph, once it is whole."""
        with zipfile.ZipFile(io.BytesIO(self.received)) as archive:
            assert archive.testzip() is None
            told = json.loads(archive.read("manifest.json"))["photographs"]
            assert archive.namelist()[:-1] == [each["name"] for each in told if "name" in each]
        assert [each["source"] for each in told] == list(MANY)
        return list(told)


async def in_flight(client: httpx.AsyncClient) -> dict[str, float]:
    """The gauges of what is in the service."""
    text = (await client.get("/metrics")).text
    found = dict(line.split() for line in text.splitlines() if IN_FLIGHT.match(line))
    assert len(found) == 4
    return {name.partition("in_flight_")[2]: float(value) for name, value in found.items()}


async def nothing_in_flight(client: httpx.AsyncClient) -> None:
    assert not any((await in_flight(client)).values())


async def test_a_photograph_is_sent_while_the_next_one_runs(start: Start, gate: Gate) -> None:
    service = start()
    gate.close()
    client = ZipCaller(service)
    await gate.reached()
    assert client.status == 0
    gate.pass_one()
    await gate.reached()
    await client.until(b"0.png")
    assert b"1.png" not in client.received
    gate.open()
    await client.task
    assert [each["status"] for each in client.manifest()] == [200] * len(MANY)
    await nothing_in_flight(service)


async def test_a_slow_reader_holds_back_what_it_does_not_read(start: Start, gate: Gate) -> None:
    service = start()
    gate.batches.clear()
    client = ZipCaller(service)
    client.reads.clear()
    async with asyncio.timeout(30):
        held = await in_flight(service)
        while held["pixels"] or len(gate.batches) < 2:
            held = await in_flight(service)
    await asyncio.sleep(0.2)
    assert len(gate.batches) == 2  # one is being sent, one waits for it
    assert (await in_flight(service))["requests"] == 1
    client.reads.set()
    await client.task
    assert len(gate.batches) == len(MANY)
    assert len(client.manifest()) == len(MANY)
    await nothing_in_flight(service)


async def test_a_reader_that_has_stopped_is_dropped(start: Start) -> None:
    service = start(timeout=0.3)
    client = ZipCaller(service)
    client.reads.clear()
    await asyncio.wait_for(client.task, 30)
    assert client.received == b""
    await nothing_in_flight(service)


async def test_nothing_more_runs_for_a_client_that_has_gone(start: Start, gate: Gate) -> None:
    service = start()
    gate.close()
    client = ZipCaller(service)
    await gate.reached()
    gate.pass_one()
    await gate.reached()
    client.gone.set()
    await asyncio.wait_for(client.task, 30)
    gate.open()
    assert len(gate.batches) == 2
    await nothing_in_flight(service)
    assert (await service.post("/denoise?model=photo", content=MANY["0.png"])).status_code == 200


@pytest.mark.parametrize(
    ("ending", "code"), [("time", "deadline-exceeded"), ("stop", "shutting-down")]
)
async def test_what_ends_a_request_early_ends_its_zip(
    start: Start, gate: Gate, clock: Clock, ending: str, code: str
) -> None:
    service = start(timeout=100)
    gate.close()
    client = ZipCaller(service)
    await gate.reached()
    gate.pass_one()
    await gate.reached()
    await client.until(b"0.png")
    if ending == "stop":
        client.task.cancel()
    else:
        await clock.advance(200)
    await client.task
    gate.open()
    assert client.status == 200
    first, *others = client.manifest()
    assert first["status"] == 200
    assert {(each["status"], each["code"]) for each in others} == {(503, code)}
    assert len(gate.batches) == 2
    await nothing_in_flight(service)


async def test_photographs_that_take_long_to_fail_do_not_put_off_the_end(start: Start) -> None:
    service = start(timeout=0.8)
    slow = encoded(Image.new("RGB", (900, 900)), "PNG")[:-100]  # which its decoder sees late
    sent = zipped({f"{number}.png": slow for number in range(400)}, zipfile.ZIP_DEFLATED)
    headers = {"Content-Type": "application/zip", "Accept": "multipart/mixed"}
    answer = await service.post("/denoise?model=photo", content=sent, headers=headers)
    assert answer.content.count(b"malformed-body") > 0
    assert answer.content.count(b"deadline-exceeded") > 0
    await nothing_in_flight(service)


async def test_before_the_first_photograph_it_ends_with_an_error(start: Start, gate: Gate) -> None:
    service = start(timeout=0.2)
    gate.close()
    headers = {"Content-Type": "application/zip"}
    url = "/denoise?model=photo"
    answer = await service.post(url, content=zipped(MANY), headers=headers)
    check_problem(answer, 503, "deadline-exceeded")
    gate.open()
    await nothing_in_flight(service)


async def test_photographs_of_a_zip_wait_for_room(start: Start, gate: Gate) -> None:
    pixels = 47 * 30  # of the largest
    service = start(max_queue_pixels=pixels, max_pixels=pixels)
    gate.close()
    url, headers = "/denoise?model=photo", {"Content-Type": "application/zip"}
    other = asyncio.create_task(service.post(url, content=MANY["0.png"]))
    await gate.reached()
    refused = await service.post(url, content=zipped(MANY), headers=headers)
    detail = check_problem(refused, 429, "overloaded")
    assert "SERVICE_MAX_QUEUE_PIXELS" in detail
    assert int(refused.headers["Retry-After"]) >= 1
    gate.open()
    assert (await other).status_code == 200
    gate.close()
    client = ZipCaller(service)
    await gate.reached()  # the second one has no room until the first has left
    gate.open()
    await client.task
    assert [each["status"] for each in client.manifest()] == [200] * len(MANY)
    await nothing_in_flight(service)


async def test_two_zips_share_what_room_there_is(start: Start) -> None:
    pixels = 2 * 47 * 30
    service = start(max_queue_pixels=pixels)
    clients = [ZipCaller(service) for _ in range(2)]
    for client in clients:
        await asyncio.wait_for(client.task, 30)
        assert [each["status"] for each in client.manifest()] == [200] * len(MANY)
    await nothing_in_flight(service)


async def test_an_unexpected_error_is_that_of_one_photograph(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = start()
    run = Session.run

    def fail(session: Session, array: Any, *arguments: Any) -> Any:
        if array.shape[2] == 48:  # 41 to 47 pixels, padded
            raise RuntimeError("no more memory")
        return run(session, array, *arguments)

    monkeypatch.setattr(Session, "run", fail)
    client = ZipCaller(service)
    await client.task
    first, *others = client.manifest()
    assert first["status"] == 200
    assert {(each["status"], each["code"]) for each in others} == {(500, "internal-error")}
    assert "no more memory" not in str(others)
    await nothing_in_flight(service)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    root = tmp_path_factory.mktemp("archive") / "models"
    for name in ("mirror", "half", "photo"):
        write_model(root, name)
    with running(root, "--timeout=2") as service:
        yield service


def asked(service: Running, version: str, *lines: str) -> socket.socket:
    connection = service.connect()
    body = zipped(MANY)
    head = (
        f"POST /denoise?model=photo HTTP/{version}",
        "Host: x",
        "Content-Type: application/zip",
        f"Content-Length: {len(body)}",
        *lines,
        "",
        "",
    )
    connection.sendall("\r\n".join(head).encode() + body)
    return connection


@pytest.mark.parametrize("lines", [(), ("Connection: keep-alive",)])
def test_a_client_of_http_1_0_reads_until_the_connection_closes(
    served: Running, lines: tuple[str, ...]
) -> None:
    with asked(served, "1.0", *lines) as connection:
        head, _, body = connection.makefile("rb").read().partition(b"\r\n\r\n")
    assert b" 200 OK\r\n" in head
    assert b"transfer-encoding" not in head.lower()
    assert b"connection: close" in head.lower()
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.namelist() == [*MANY, "manifest.json"]


def test_a_connection_goes_on_after_a_zip(served: Running) -> None:
    with httpx.Client(base_url=served.url, trust_env=False) as client:
        for _ in range(2):
            headers = {"Content-Type": "application/zip"}
            answer = client.post("/denoise?model=photo", content=zipped(MANY), headers=headers)
            assert answer.headers["Transfer-Encoding"] == "chunked"
            with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
                assert archive.namelist() == [*MANY, "manifest.json"]


def test_a_client_that_vanishes_leaves_nothing_behind(served: Running) -> None:
    with asked(served, "1.1") as connection:
        connection.recv(1)
    with httpx.Client(base_url=served.own_url, trust_env=False) as client:
        for _ in range(300):
            text = client.get("/metrics").text
            told = [line.split() for line in text.splitlines() if IN_FLIGHT.match(line)]
            if told and not any(float(value) for _, value in told):
                return
    pytest.fail(text)
