"""What holds for every request: which model, which type, how large, and what errors look like."""

import asyncio
import io
import threading
import uuid
from typing import Any

import httpx
import pytest
from PIL import Image

from service.api.caching import BoundedCache
from service.inference import batcher
from service.inference.session import Session
from tests.service.asgi import Caller, application_of, check_problem
from tests.service.tiny import Start

BODY = {"inputs": [[[0.0] * 4] * 4]}


@pytest.fixture
def client(shared_client: httpx.AsyncClient) -> httpx.AsyncClient:
    return shared_client


async def test_an_unknown_model_is_a_404_that_lists_the_known(client: httpx.AsyncClient) -> None:
    detail = check_problem(await client.post("/encode?model=x", json=BODY), 404, "model-not-found")
    assert detail == "model: expected one of colours, half, mirror, photo, rows, received 'x'"


async def test_an_unknown_version_is_a_404_that_lists_the_known(client: httpx.AsyncClient) -> None:
    answer = await client.post("/encode?model=half&version=3", json=BODY)
    detail = check_problem(answer, 404, "model-not-found")
    assert detail == "version: expected one of 1, 2 of half, received 3"
    assert "X-Model" not in answer.headers


async def test_errors_of_a_model_name_it(client: httpx.AsyncClient) -> None:
    answer = await client.post("/encode?model=half", json={"inputs": [[1]]})
    check_problem(answer, 422, "shape-mismatch")
    assert (answer.headers["X-Model"], answer.headers["X-Model-Version"]) == ("half", "2")
    assert answer.headers["X-Execution-Provider"] == "CPUExecutionProvider"


async def test_several_accept_headers_count_as_one(client: httpx.AsyncClient) -> None:
    headers = [("Accept", "text/html"), ("Accept", "application/x-npy")]
    answer = await client.post("/encode", json=BODY, headers=headers)
    assert answer.headers["content-type"] == "application/x-npy"


async def test_denoise_rejects_a_model_that_cannot_denoise(client: httpx.AsyncClient) -> None:
    answer = await client.post("/denoise?model=mirror", json=BODY)
    detail = check_problem(answer, 409, "operation-not-offered")
    assert (
        detail == "model: expected one that offers denoise (colours, half, photo), received mirror"
    )


async def test_a_type_that_is_not_read_is_a_415_that_lists_those_that_are(
    client: httpx.AsyncClient,
) -> None:
    headers = {"Content-Type": "text/plain"}
    answer = await client.post("/decode", content=b"x", headers=headers)
    detail = check_problem(answer, 415, "unsupported-media-type")
    assert detail == (
        "Content-Type: expected one of application/json, application/x-npy, received text/plain"
    )


async def test_a_body_of_no_type_that_is_not_recognised_is_a_415(
    client: httpx.AsyncClient,
) -> None:
    for told in ({}, {"Content-Type": "application/x-www-form-urlencoded"}):  # which curl invents
        answer = await client.post("/encode", content=b"what is this", headers=told)
        detail = check_problem(answer, 415, "unsupported-media-type")
        assert detail.endswith("received none, with a body that is recognised as none of them")
    answer = await client.post("/decode", content=b"\xff\xd8")
    detail = check_problem(answer, 415, "unsupported-media-type")
    assert detail.endswith("received none, with a body that is image/jpeg")


async def test_a_type_that_is_not_written_is_a_406(client: httpx.AsyncClient) -> None:
    answer = await client.post("/encode", json=BODY, headers={"Accept": "text/html"})
    assert "received text/html" in check_problem(answer, 406, "not-acceptable")


@pytest.mark.parametrize("query", ["version=new", "version=0", "fit=perhaps", "model="])
async def test_a_query_that_cannot_be_used_is_explained(
    client: httpx.AsyncClient, query: str
) -> None:
    detail = check_problem(await client.post(f"/encode?{query}", json=BODY), 422, "invalid-value")
    name, value = query.split("=")
    assert detail.startswith(name)
    assert f"received '{value}'" in detail


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("encode?modle=half", "query: expected one of model, version, fit, received 'modle'"),
        ("decode?fit=true", "query: expected one of model, version, steps, received 'fit'"),
        ("encode?model=", "model: expected a value, received ''"),
        ("denoise?sigma=", "sigma: expected a value, received ''"),
        ("encode?fit=maybe", "fit: expected true or false, received 'maybe'"),
        ("encode?model=half&model=x", "model: expected one value, received 'half, x'"),
        ("encode?version=1&model=half&version=1", "version: expected one value, received '1, 1'"),
        ("encode?" + "x=&" * 64 + "x=", "query: expected at most 64 parameters, received more"),
    ],
)
async def test_a_parameter_that_is_unknown_or_sent_twice_is_explained(
    client: httpx.AsyncClient, query: str, expected: str
) -> None:
    detail = check_problem(await client.post(f"/{query}", json=BODY), 422, "invalid-value")
    assert detail == expected


async def test_a_body_that_is_too_large_is_refused_by_its_length(start: Start) -> None:
    client = start(max_body_bytes=10)
    detail = check_problem(await client.post("/encode", json=BODY), 413, "body-too-large")
    assert "expected at most 10 bytes (SERVICE_MAX_BODY_BYTES)" in detail


async def test_a_body_of_untold_length_is_refused_once_it_is_too_large(start: Start) -> None:
    client = start(max_body_bytes=10)

    async def chunks() -> object:
        for _ in range(3):
            yield b"12345"

    answer = await client.post("/encode", content=chunks())  # type: ignore[arg-type]
    assert "received more" in check_problem(answer, 413, "body-too-large")


async def test_a_picture_of_too_many_pixels_is_refused(start: Start) -> None:
    client = start(max_pixels=15)
    stream = io.BytesIO()
    Image.new("L", (4, 4)).save(stream, "PNG")
    answer = await client.post(
        "/denoise", content=stream.getvalue(), headers={"Content-Type": "image/png"}
    )
    assert "at most 15 pixels in all (SERVICE_MAX_PIXELS), received 4x4" in check_problem(
        answer, 413, "body-too-large"
    )


async def test_an_unknown_path_and_a_wrong_method_are_problems_too(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/nothing")
    detail = check_problem(answer, 404, "not-found")
    assert detail.startswith("path: expected one of /encode, /decode, /denoise, ")
    assert detail.endswith(", received '/nothing'")
    assert "/v2/" not in detail
    assert answer.json()["title"] == "Not found"
    answer = await client.get("/encode")
    detail = check_problem(answer, 405, "method-not-allowed")
    assert detail == "method: expected POST, received GET"
    assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize("path", ["/encode/", "/models/", "/v2/"])
async def test_a_path_with_a_slash_too_many_is_not_found(
    client: httpx.AsyncClient, path: str
) -> None:
    assert (await client.post(path, json=BODY)).status_code == 404
    assert (await client.get(path)).status_code == 404


async def test_every_answer_has_a_request_id_the_clients_own_where_it_sent_one(
    client: httpx.AsyncClient,
) -> None:
    made = (await client.get("/health/live")).headers["X-Request-Id"]
    assert uuid.UUID(made)
    sent = await client.get("/health/live", headers={"X-Request-Id": "abc-1"})
    assert sent.headers["X-Request-Id"] == "abc-1"
    unusable = await client.get("/health/live", headers={"X-Request-Id": "a b"})
    assert uuid.UUID(unusable.headers["X-Request-Id"])


async def test_a_fault_of_the_service_is_a_500_with_an_id_and_no_secret(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr("service.inference.session.Session.run", fail)
    answer = await client.post("/encode", json=BODY)
    detail = check_problem(answer, 500, "internal-error")
    assert answer.headers["X-Request-Id"] in detail
    assert "secret" not in answer.text
    assert "a secret" in caplog.text


async def test_a_client_that_goes_while_it_sends_its_body_is_no_fault(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    app = application_of(start())
    caller = Caller(app, "POST", "/encode", None)
    caller.gone.set()
    await asyncio.wait_for(caller.task, 30)
    assert caller.sent == []
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_models_run_side_by_side(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = threading.Barrier(2, timeout=30)  # neither passes before both are there
    run = Session.run

    def meet(session: Session, *arguments: Any) -> Any:
        meeting.wait()
        return run(session, *arguments)

    monkeypatch.setattr(Session, "run", meet)
    monkeypatch.setattr(batcher, "BRIEF", 0.0)  # brief batches of all models share the event loop
    answers = await asyncio.gather(
        *(client.post(f"/encode?model={name}", json=BODY) for name in ("mirror", "half"))
    )
    assert [answer.json()["model"] for answer in answers] == ["mirror", "half"]


def test_a_memo_keeps_a_few_results_of_short_texts_alone() -> None:
    called: list[str] = []

    def length(text: str) -> int:
        called.append(text)
        return len(text)

    cache = BoundedCache(length, 2, longest=4)
    assert [cache[text] for text in ("four", "four", "fives", "fives")] == [4, 4, 5, 5]
    assert called == ["four", "fives", "fives"]
    assert [cache[text] for text in ("a", "b", "four")] == [1, 1, 4]
    assert len(cache) <= 2
