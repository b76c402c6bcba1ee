"""Responses of Ray's own, as clients get them."""

from collections.abc import Sequence

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from service.ray.proxy import Proxied
from tests.service.asgi import check_problem


async def ask(
    status: int, kind: str, *parts: bytes, headers: Sequence[tuple[bytes, bytes]] = ()
) -> httpx.Response:
    """Return the response to a request that Ray answers so, and not at all with a status of 0."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if status == 0:
            return
        head = [(b"content-type", kind.encode()), *headers]
        start: Message = {"type": "http.response.start", "status": status, "headers": head}
        await send(start)
        for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    transport = httpx.ASGITransport(Proxied(answer))
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        return await client.post("/encode", headers={"X-Request-Id": "mine"})


@pytest.mark.parametrize(
    "answered", [(0, ""), (503, "text/plain", b"Service is unavailable because it failed.")]
)
async def test_without_a_replica_it_is_a_503_that_says_when_to_try_again(
    answered: tuple[int, str],
) -> None:
    response = await ask(*answered)
    check_problem(response, 503, "replica-lost")
    assert response.headers["Retry-After"] == "1"
    assert response.headers["X-Request-Id"] == "mine"


async def test_an_exception_is_a_500_which_no_client_repeats_and_the_log_has_its_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    response = await ask(500, "text/plain; charset=utf-8", b"Internal ", b"Server Error")
    check_problem(response, 500, "internal-error")
    assert "Retry-After" not in response.headers
    assert "Internal" not in response.text.replace("Internal error", "")
    logged = [each.getMessage() for each in caplog.records if each.name == "service.ray.proxy"]
    assert logged == ["Ray answered mine with a 500: Internal Server Error"]


async def test_no_room_is_a_429_that_says_when_to_try_again() -> None:
    response = await ask(429, "text/plain", b"dropped", headers=[(b"retry-after", b"7")])
    check_problem(response, 429, "overloaded")
    assert response.headers["Retry-After"] == "7"


@pytest.mark.parametrize("status", [200, 429, 500, 503])
async def test_responses_of_the_service_stay_as_they_are(status: int) -> None:
    response = await ask(status, "application/problem+json", b"{", b"}")
    assert (response.status_code, response.content) == (status, b"{}")
