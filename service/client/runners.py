"""Runners of calls: they do what a flow yields, on a blocking or an asynchronous httpx client."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Generator
from typing import Any

import httpx

from service.client import job_calls, job_status, responses
from service.client.connection import Connection
from service.client.events import MEDIA_TYPE, EventDecoder
from service.client.flow import Flow, Pause, Send, Step, T
from service.client.job_status import JobStatus

SILENT = (httpx.RequestError, *job_status.NO_STATUS)
"""How a stream of events ends without being one, or too early."""


class Runner:
    """Runs calls in the thread of the caller.

    Args:
        connection: Where the service is.
        http: An httpx client, which stays open; None for one of its own.
    """

    def __init__(self, connection: Connection, http: httpx.Client | None) -> None:
        self.calls = connection.calls
        self._connection = connection
        self._http = http or httpx.Client(verify=connection.verify)
        self._owns_http = http is None

    def close(self) -> None:
        """Close the connections, unless they are those of a given httpx client."""
        if self._owns_http:
            self._http.close()

    def run(self, flow: Flow[T]) -> T:
        """Do what a call asks for, until it returns or raises."""
        try:
            step = next(flow)
            while True:
                try:
                    reply = self._perform(step)
                except Exception as error:  # noqa: BLE001 - the flow handles or raises it
                    step = flow.throw(error)
                else:
                    step = flow.send(reply)
        except StopIteration as stop:
            result: T = stop.value
            return result

    def statuses(self, job: str, silence: float) -> Generator[JobStatus | None]:
        """Yield a job's statuses from its stream of events, None for what keeps it open.

        Args:
            job: The job's identifier.
            silence: Seconds without an event that end it.
        """
        request = self._connection.arguments(job_calls.listen(job), silence)
        try:
            with self._http.stream(**request) as response:
                if not response.is_success or responses.media_type(response) != MEDIA_TYPE:
                    return
                decoder = EventDecoder()
                for chunk in response.iter_bytes():
                    for event in decoder.feed(chunk):
                        yield job_status.read(json.loads(event.data))
                    yield None
        except SILENT:
            return

    def _perform(self, step: Step) -> Any:
        match step:
            case Send():
                return self._answered(step)
            case Pause():
                return time.sleep(step.seconds)
            case _:
                return step.run()

    def _answered(self, step: Send) -> httpx.Response:
        """Return a response, of which no piece may come too late: httpx has a limit for each."""
        deadline = time.monotonic() + step.seconds
        arguments = self._connection.arguments(step.request, step.seconds)
        pieces: list[bytes] = []
        with self._http.stream(**arguments) as response:
            for piece in response.iter_raw():
                pieces.append(piece)
                if time.monotonic() > deadline:
                    raise _late(step)
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            content=b"".join(pieces),
            extensions={"reason_phrase": response.reason_phrase.encode("ascii", "replace")},
        )


class AsyncRunner:
    """Runs calls on the event loop, what takes a while in threads; as Runner otherwise."""

    def __init__(self, connection: Connection, http: httpx.AsyncClient | None) -> None:
        self.calls = connection.calls
        self._connection = connection
        self._http = http or httpx.AsyncClient(verify=connection.verify)
        self._owns_http = http is None

    async def close(self) -> None:
        """Close the connections, unless they are those of a given httpx client."""
        if self._owns_http:
            await self._http.aclose()

    async def run(self, flow: Flow[T]) -> T:
        """Do what a call asks for, until it returns or raises."""
        try:
            step = next(flow)
            while True:
                try:
                    reply = await self._perform(step)
                except Exception as error:  # noqa: BLE001 - the flow handles or raises it
                    step = flow.throw(error)
                else:
                    step = flow.send(reply)
        except StopIteration as stop:
            result: T = stop.value
            return result

    async def statuses(self, job: str, silence: float) -> AsyncGenerator[JobStatus | None]:
        """Yield a job's statuses from its stream of events, as Runner does."""
        request = self._connection.arguments(job_calls.listen(job), silence)
        try:
            async with self._http.stream(**request) as response:
                if not response.is_success or responses.media_type(response) != MEDIA_TYPE:
                    return
                decoder = EventDecoder()
                async for chunk in response.aiter_bytes():
                    for event in decoder.feed(chunk):
                        yield job_status.read(json.loads(event.data))
                    yield None
        except SILENT:
            return

    async def _perform(self, step: Step) -> Any:
        match step:
            case Send():
                arguments = self._connection.arguments(step.request, step.seconds)
                try:
                    async with asyncio.timeout(step.seconds):
                        return await self._http.request(**arguments)
                except TimeoutError:
                    raise _late(step) from None
            case Pause():
                return await asyncio.sleep(step.seconds)
            case _:
                return await asyncio.to_thread(step.run)


def _late(step: Send) -> httpx.ReadTimeout:
    return httpx.ReadTimeout(f"expected all of the response within {step.seconds:.3g} s")
