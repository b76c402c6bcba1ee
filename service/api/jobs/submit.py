"""POST /jobs: checks what can be checked at once, stores the request, answers 202."""

import functools
import secrets
import time
from typing import Annotated, Any
from urllib.parse import unquote_plus

from fastapi import Query
from starlette.types import Receive, Scope, Send

from service.api.body import CODINGS
from service.api.jobs.document import JobDocument, described
from service.api.jobs.pixel_counter import CodecOf, PixelCounter
from service.api.jobs.read import present
from service.api.jobs.receive import store
from service.api.media_types import JSON
from service.api.openapi import problems
from service.api.openapi_operations import describe
from service.api.operations import Endpoints
from service.api.origin import check_origin
from service.api.problems import problem
from service.api.query import MOST_PARAMETERS, AnomalyQuery, DenoiseQuery, SearchQuery
from service.api.request import Exchange
from service.api.routing import DirectRoute, Serving
from service.errors import InvalidValue, UnsupportedMediaType, one_of
from service.jobs.jobs import Jobs
from service.jobs.record import Entry, Job
from service.manifest import OperationName
from service.quota.fields import MEGAPIXELS

STORED = ("accept", "content-type", "content-encoding", "traceparent", "tracestate")
"""Headers that are stored: those that an operation looks at, and no credentials."""


class JobQuery(SearchQuery, AnomalyQuery, DenoiseQuery):
    """The operation, whom to tell of its end, and the parameters of the operation."""

    operation: Annotated[
        OperationName, Query(description="what to run; `denoise` where it is left out")
    ] = "denoise"
    callback: Annotated[
        str | None,
        Query(description="URL that gets the job's document by POST once it has finished"),
    ] = None
    steps: Annotated[
        int | None, Query(ge=1, description="rows to return, by a recurrent model")
    ] = None


def create(choice: Annotated[JobQuery, Query()]) -> None:
    """Store a request for an operation, to run when there is time, and answer at once."""


def route(jobs: Jobs | None, serving: Serving, endpoints: Endpoints) -> DirectRoute:
    """Return the route; jobs are None where they are off."""
    shown = describe("denoise")
    responses = {status: each for status, each in shown["responses"].items() if status != 200}
    accepted = {"model": JobDocument, "description": "The job; Location is its path"}
    further = problems(
        {
            403: "The settings allow no callback to this host, or a page of another origin asks",
            429: "There are as many jobs, or bytes of jobs, as the settings allow",
            501: "Jobs are off",
            503: "The store of jobs cannot be reached",
            507: "There is no room to store the body",
        }
    )
    return DirectRoute(
        "/jobs",
        create,
        Submit(jobs, serving, endpoints),
        tags=["jobs"],
        status_code=202,
        openapi_extra=shown["openapi_extra"],
        responses={202: accepted} | responses | further,
    )


class Submit:
    """The endpoint that creates jobs."""

    def __init__(self, jobs: Jobs | None, serving: Serving, endpoints: Endpoints) -> None:
        self._jobs = jobs
        self._serving = serving
        self._endpoints = endpoints
        self._counter = PixelCounter(serving.limits.body_bytes, serving.timeout)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, receive, send)
        await self._serving.handle(exchange, "jobs", self._respond, problem)

    async def _respond(self, exchange: Exchange) -> None:
        check_origin(exchange.header, self._serving.origins)
        jobs = present(self._jobs)
        named, callback, query = _parse(exchange.scope["query_string"])
        operation = next((each for each in self._endpoints if each == named), None)
        if operation is None:
            raise InvalidValue(
                f"operation: expected {one_of(self._endpoints)}, received {named[:40]!r}"
            )
        if callback:
            jobs.callbacks.check(callback)
        asked = Exchange({**exchange.scope, "query_string": query}, _nothing, _nothing)
        try:
            codec_of = self._endpoints[operation].prepare(asked)
            codings = _codings(exchange)
            job = Job(
                id=secrets.token_hex(16),
                operation=operation,
                query=query.decode("latin-1"),
                headers=_stored(exchange),
                bytes=0,
                created=time.time(),
                request_id=exchange.request_id,
                callback=callback,
                owner=exchange.key,
            )
            check = _nothing_to_check if codings else codec_of
            accept = functools.partial(self._take, jobs, exchange, job, codings, codec_of)
            job = await store(jobs, exchange, job, check, accept, self._serving.limits.body_bytes)
        finally:
            exchange.model, exchange.headers = asked.model, asked.headers
        location = (b"location", jobs.options.path(job.id).encode())
        await exchange.respond(202, JSON, (location,), described(jobs, Entry(job)))

    async def _take(
        self, jobs: Jobs, exchange: Exchange, job: Job, coding: str, codec_of: CodecOf, size: int
    ) -> None:
        """Count the photographs of a job whose body is stored, if its caller has a quota of them.

        Raises:
            ServiceError: As PixelCounter.pixels() and RequestQuota.take_pixels() raise it.
        """
        quota = exchange.quota
        if quota and (megapixels := quota.quotas.get(MEGAPIXELS)):
            stored = functools.partial(_body, jobs, job)
            pixels = await self._counter.pixels(
                stored, size, exchange.caller, coding, codec_of, megapixels * 1_000_000
            )
            await quota.take_pixels(pixels)


def _body(jobs: Jobs, job: Job) -> bytes:
    with jobs.store.reached():
        return b"".join(jobs.store.bodies.chunks(job.body))


def _parse(query: bytes) -> tuple[str, str, bytes]:
    """Return operation and callback of a query string, and the parameters of the operation."""
    pieces = [piece for piece in query.split(b"&") if piece]
    if len(pieces) > MOST_PARAMETERS:
        raise InvalidValue(
            f"query: expected at most {MOST_PARAMETERS} parameters, received {len(pieces)}"
        )
    own: dict[str, str] = {"operation": "denoise", "callback": ""}
    rest: list[bytes] = []
    seen: set[str] = set()
    for piece in pieces:
        name, _, value = (unquote_plus(each) for each in piece.decode("latin-1").partition("="))
        if name not in own:
            rest.append(piece)
            continue
        if not value or name in seen:
            fault = f"{name} twice" if value else "none"
            raise InvalidValue(f"{name}: expected one value, received {fault}")
        seen.add(name)
        own[name] = value
    return own["operation"], own["callback"], b"&".join(rest)


def _stored(exchange: Exchange) -> list[tuple[str, str]]:
    headers = [(name, exchange.header(name.encode())) for name in STORED]
    return [(name, value) for name, value in headers if value]


def _codings(exchange: Exchange) -> str:
    """Return the content coding, "" for none. Raises UnsupportedMediaType for an unknown one."""
    coding = exchange.header(b"content-encoding").strip().lower()
    if coding in ("", "identity"):
        return ""
    if coding not in CODINGS:
        raise UnsupportedMediaType(
            f"Content-Encoding: expected one of {', '.join(CODINGS)}, received {coding}"
        )
    return coding


def _nothing_to_check(_head: bytes) -> None:
    """Accept the head of a body that is compressed: the job finds out what is in it."""


async def _nothing(*_: Any) -> Any:
    raise AssertionError("the exchange of a check neither receives nor sends")
