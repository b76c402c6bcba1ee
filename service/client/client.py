"""Client: the service's operations in programs that block, also from several threads."""

import itertools
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Self, Unpack

import httpx

from service.client import job_calls
from service.client.connection import AT_ONCE, BASE_URL, READY, RETRIES, TIMEOUT, Connection
from service.client.images import Array, ImageLike
from service.client.job import Job
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
from service.client.runners import Runner
from service.client.several import Outcome, Paths, check, named, outcome


class Client:
    """A client of the service; threads may share one.

    Requests that are refused for now, or whose connection fails, are sent again: after the
    `Retry-After` of a 429 or 503, else after an exponential backoff. A call raises the last error.

    Args:
        base_url: Where the service is; may have a path.
        timeout: Seconds that a call may take, with all its attempts and pauses.
        retries: Attempts after the first that may fail without a Retry-After.
        api_key: Sent as `Authorization: Bearer`, without spaces and line ends around it.
        http: An httpx client to send with, which stays open; by default one of its own.
    """

    def __init__(
        self,
        base_url: str = BASE_URL,
        *,
        timeout: float = TIMEOUT,
        retries: int = RETRIES,
        api_key: str | None = None,
        http: httpx.Client | None = None,
    ) -> None:
        connection = Connection.to(base_url, timeout=timeout, retries=retries, api_key=api_key)
        self._runner = Runner(connection, http)
        self._calls = connection.calls

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections, unless they are those of a given httpx client."""
        self._runner.close()

    def denoise(self, image: ImageLike, **options: Unpack[DenoiseOptions]) -> Result:
        """Remove the noise of a photograph, or of the images that a model takes.

        Args:
            image: A path, the bytes of a file, an open file or a Pillow image, all of which are
                answered with a picture; or an array, answered with one: (height, width) or
                (height, width, 3), or a batch of either, uint8 pixels or floats in the model's
                range. Colour arrays go to the model that takes photographs.
            options: As DenoiseOptions describes them.

        Returns:
            The picture or array, of the shape and type that were sent.

        Raises:
            ServiceError: The service refuses the image, or cannot be reached.
            TypeError, ValueError: The image or an option is of another kind.
            OSError: The file cannot be read.
        """
        return self._runner.run(self._calls.denoise(image, options))

    def denoise_many(
        self,
        photographs: Paths,
        *,
        at_once: int = AT_ONCE,
        **options: Unpack[DenoiseOptions],
    ) -> Iterator[tuple[str, Outcome]]:
        """Denoise many photographs, each with a request of its own.

        Args:
            photographs: A folder, or paths of files.
            at_once: The most requests at once; so many photographs are in memory.
            options: As DenoiseOptions describes them.

        Yields:
            Name and result of each photograph as soon as it is done, the error of one that fails.
            Photographs of a folder are named by their paths in it.

        Raises:
            ValueError: `at_once` is no whole number of 1 or more.
            FileNotFoundError: A single path does not exist.
        """
        check(at_once)
        names: dict[Future[Result], str] = {}
        source = named(photographs)
        with ThreadPoolExecutor(at_once) as pool:
            try:
                while True:
                    for name, path in itertools.islice(source, at_once - len(names)):
                        names[pool.submit(self.denoise, path, **options)] = name
                    if not names:
                        return
                    done, _ = wait(names, return_when=FIRST_COMPLETED)
                    for future in done:
                        yield names.pop(future), outcome(future)
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def encode(self, image: Items, **options: Unpack[EncodeOptions]) -> Result:
        """Encode an image or a batch; arguments and errors as of `denoise`.

        Returns:
            The codings as an array, (batch, ...), also of a single image.
        """
        return self._runner.run(self._calls.encode(image, options))

    def decode(self, codings: Array | Result, **options: Unpack[DecodeOptions]) -> Result:
        """Decode codings.

        Args:
            codings: (batch, ...), also of one image, as `encode` returns them: its result, or its
                array.
            options: As DecodeOptions describes them.

        Returns:
            The images as an array, (batch, height, width); as a picture where `format` names one.

        Raises:
            ServiceError: The service refuses the codings, or cannot be reached.
        """
        return self._runner.run(self._calls.decode(codings, options))

    def reconstruct(self, items: Items, **options: Unpack[ReconstructOptions]) -> Result:
        """Encode and decode in one; arguments and errors as of `encode`.

        Returns:
            The reconstructions: an array of what was sent as an array or as rows, else a picture.
        """
        return self._runner.run(self._calls.reconstruct(items, options))

    def score(self, items: Items, **options: Unpack[ScoreOptions]) -> Scores:
        """Score items by the errors of their reconstructions; errors as of `denoise`.

        Args:
            items: An image or a batch; rows as a list of dictionaries; a path of a CSV or Parquet
                file.
            options: As ScoreOptions describes them.
        """
        return self._runner.run(self._calls.score(items, options))

    def neighbours(self, items: Items | Result, **options: Unpack[NeighboursOptions]) -> Neighbours:
        """Find the items of the model's index whose codings are nearest; errors as of `denoise`.

        Args:
            items: As `score` takes them; or their codings, as the result of `encode`, or as an
                array with `of="codings"`.
            options: As NeighboursOptions describes them.
        """
        return self._runner.run(self._calls.neighbours(items, options))

    def estimate(self, image: ImageLike, **options: Unpack[ModelOptions]) -> Estimate:
        """Estimate the noise of a photograph without removing it; errors as of `denoise`."""
        return self._runner.run(self._calls.estimate(image, options))

    def models(self) -> list[Model]:
        """Return every version of every model, by name, the newest first."""
        return self._runner.run(self._calls.models())

    def model(self, name: str, version: int | None = None) -> Model:
        """Return a version of a model, the newest for None. Raises ModelNotFound."""
        return self._runner.run(self._calls.model(name, version))

    def ready(self) -> bool:
        """Return whether the service can be reached and takes requests now.

        Raises:
            Unreachable: It never will: the certificate is not that of the host, or of nobody that
                is trusted, or there is no TLS at a URL of https.
        """
        return self._runner.run(self._calls.ready(READY))

    def submit(
        self,
        image: ImageLike | Result,
        operation: Operation = "denoise",
        **options: Unpack[JobOptions],
    ) -> Job:
        """Submit a job, for what takes longer than a program should wait.

        Args:
            image: As the operation takes it.
            operation: "denoise", "encode", "decode", "reconstruct", "score", "neighbours" or
                "estimate".
            options: Those of the operation, and `callback`, as JobOptions describes it.

        Raises:
            ServiceError: The service refuses the job, or cannot be reached.
        """
        status, is_single = self._runner.run(
            job_calls.submit(self._calls, image, operation, options)
        )
        return Job(self._runner, status, is_single=is_single)

    def job(self, id: str) -> Job:  # noqa: A002
        """Return a job that was submitted before. Raises JobNotFound."""
        return Job(self._runner, self._runner.run(job_calls.look(self._calls, id)))

    def jobs(self, *states: State) -> Iterator[Job]:
        """Yield the jobs of the API key, the newest first; of all keys with the scope `control`.

        Args:
            states: "queued", "running", "succeeded", "failed" or "cancelled"; any without.

        Raises:
            Forbidden: The service has no API keys: it lists the jobs of nobody then.
            ServiceError: Jobs are off, or the service cannot be reached.
        """
        cursor = ""
        while True:
            found, cursor = self._runner.run(job_calls.page(self._calls, states, cursor))
            for status in found:
                yield Job(self._runner, status)
            if not cursor:
                return
