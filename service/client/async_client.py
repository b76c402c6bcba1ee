"""AsyncClient: the service's operations in asynchronous programs."""

import asyncio
import itertools
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Self, Unpack

import httpx

from service.client import job_calls
from service.client.connection import AT_ONCE, BASE_URL, READY, RETRIES, TIMEOUT, Connection
from service.client.images import Array, ImageLike
from service.client.job import AsyncJob
from service.client.job_status import State
from service.client.options import (
    DecodeOptions,
    DenoiseOptions,
    EncodeOptions,
    JobOptions,
    ModelOptions,
    NeighboursOptions,
    Operation,
    ReconstructOptions,
    ScoreOptions,
)
from service.client.results import Estimate, Model, Neighbours, Result, Scores
from service.client.rows import Items
from service.client.runners import AsyncRunner
from service.client.several import Outcome, Paths, check, named, outcome


class AsyncClient:
    """Client for asyncio: the same arguments, calls and errors.

    Files are read, and images of Pillow written, in threads.
    """

    def __init__(
        self,
        base_url: str = BASE_URL,
        *,
        timeout: float = TIMEOUT,
        retries: int = RETRIES,
        api_key: str | None = None,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        connection = Connection.to(base_url, timeout=timeout, retries=retries, api_key=api_key)
        self._runner = AsyncRunner(connection, http)
        self._calls = connection.calls

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections, unless they are those of a given httpx client."""
        await self._runner.close()

    async def denoise(self, image: ImageLike, **options: Unpack[DenoiseOptions]) -> Result:
        """Remove the noise of a photograph, or of the images that a model takes: Client.denoise."""
        return await self._runner.run(self._calls.denoise(image, options))

    async def denoise_many(
        self,
        photographs: Paths,
        *,
        at_once: int = AT_ONCE,
        **options: Unpack[DenoiseOptions],
    ) -> AsyncGenerator[tuple[str, Outcome]]:
        """Denoise many photographs, each with a request of its own: Client.denoise_many."""
        check(at_once)
        names: dict[asyncio.Task[Result], str] = {}
        source = named(photographs)
        try:
            while True:
                for name, path in itertools.islice(source, at_once - len(names)):
                    names[asyncio.create_task(self.denoise(path, **options))] = name
                if not names:
                    return
                done, _ = await asyncio.wait(names, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    yield names.pop(task), outcome(task)
        finally:
            for task in names:
                task.cancel()

    async def encode(self, image: Items, **options: Unpack[EncodeOptions]) -> Result:
        """Encode an image or a batch: Client.encode."""
        return await self._runner.run(self._calls.encode(image, options))

    async def decode(self, codings: Array | Result, **options: Unpack[DecodeOptions]) -> Result:
        """Decode codings: Client.decode."""
        return await self._runner.run(self._calls.decode(codings, options))

    async def reconstruct(self, items: Items, **options: Unpack[ReconstructOptions]) -> Result:
        """Reconstruct images or rows: Client.reconstruct."""
        return await self._runner.run(self._calls.reconstruct(items, options))

    async def score(self, items: Items, **options: Unpack[ScoreOptions]) -> Scores:
        """Score images or rows by the errors of their reconstructions: Client.score."""
        return await self._runner.run(self._calls.score(items, options))

    async def neighbours(
        self, items: Items | Result, **options: Unpack[NeighboursOptions]
    ) -> Neighbours:
        """Find the items of the model's index that are nearest: Client.neighbours."""
        return await self._runner.run(self._calls.neighbours(items, options))

    async def estimate(self, image: ImageLike, **options: Unpack[ModelOptions]) -> Estimate:
        """Estimate the noise of a photograph without removing it: Client.estimate."""
        return await self._runner.run(self._calls.estimate(image, options))

    async def models(self) -> list[Model]:
        """Return every version of every model, by name, the newest first."""
        return await self._runner.run(self._calls.models())

    async def model(self, name: str, version: int | None = None) -> Model:
        """Return a version of a model, the newest for None. Raises ModelNotFound."""
        return await self._runner.run(self._calls.model(name, version))

    async def ready(self) -> bool:
        """Return whether the service can be reached and takes requests now: Client.ready."""
        return await self._runner.run(self._calls.ready(READY))

    async def submit(
        self,
        image: ImageLike | Result,
        operation: Operation = "denoise",
        **options: Unpack[JobOptions],
    ) -> AsyncJob:
        """Submit a job, for what takes longer than a program should wait: Client.submit."""
        status, is_single = await self._runner.run(
            job_calls.submit(self._calls, image, operation, options)
        )
        return AsyncJob(self._runner, status, is_single=is_single)

    async def job(self, id: str) -> AsyncJob:  # noqa: A002
        """Return a job that was submitted before. Raises JobNotFound."""
        return AsyncJob(self._runner, await self._runner.run(job_calls.look(self._calls, id)))

    async def jobs(self, *states: State) -> AsyncGenerator[AsyncJob]:
        """Yield the jobs of the API key, the newest first: Client.jobs."""
        cursor = ""
        while True:
            found, cursor = await self._runner.run(job_calls.page(self._calls, states, cursor))
            for status in found:
                yield AsyncJob(self._runner, status)
            if not cursor:
                return
