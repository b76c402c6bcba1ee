"""POST /score/stream: the score of each window of a series while its rows come."""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from fastapi import Query
from starlette.responses import Response

from service.api import query, row_stream
from service.api.codecs import json_rows, ndjson
from service.api.codecs.ndjson import NDJSON
from service.api.media_types import CONTENT_TYPES, choose
from service.api.openapi import problems
from service.api.pipeline import Endpoint, name_model
from service.api.problems import problem
from service.api.query import ScoreStreamQuery
from service.api.request import LIVE_BODY, Exchange, Header
from service.api.routing import DirectRoute, Serving
from service.api.streaming import send
from service.errors import (
    InvalidValue,
    MalformedBody,
    Overloaded,
    ServiceError,
    ShuttingDown,
    UnsupportedMediaType,
    problem_document,
)
from service.inference.pixels import Floats
from service.inference.series_scorer import SeriesScorer
from service.inference.sliding_windows import Cut
from service.inference.ticket import Ticket

NUMBERS = 1 << 18
"""Of windows that run together, at most, or of one: the event loop scores them in 2 ms."""
LINES = {
    "schema": {"type": "string", "description": "a JSON object a line"},
    "example": '{"flow": 102.1}\n{"flow": 102.3}\n',
}


# The signature and docstring that OpenAPI shows; nothing calls it.
def score_stream(choice: Annotated[ScoreStreamQuery, Query()]) -> None:
    """Rows of a series to the scores of its windows, while they come: a JSON object a line."""


def route(serving: Serving) -> DirectRoute:
    """Return the route of the endpoint."""
    return DirectRoute(
        "/score/stream",
        score_stream,
        ScoreStream(serving),
        tags=["operations"],
        openapi_extra={"requestBody": {"required": True, "content": {NDJSON: LINES}}},
        responses={
            200: {
                "description": "A line for each window once it is scored, then how many rows came",
                "content": {NDJSON: LINES},
            },
            **problems(
                {
                    400: "A line is not JSON, or there is none",
                    404: "No such model or version",
                    406: "Accept does not take application/x-ndjson",
                    409: "The model does not reconstruct",
                    413: "A line is too long",
                    415: "The body is not application/x-ndjson",
                    422: "A value is not as expected, or the model is none of series",
                    429: "The queue is full; Retry-After says when to try again",
                    503: "No row came in time, or the service is shutting down",
                }
            ),
        },
        response_class=Response,
    )


class ScoreStream(Endpoint):
    """The endpoint: it takes a row a line, and sends a line for each window once it is scored."""

    failure = staticmethod(problem)

    def label(self, _exchange: Exchange) -> str:
        return "score_stream"

    async def _respond(self, exchange: Exchange) -> None:
        scorer = self._scorer(exchange)
        _check_head(exchange)
        exchange.closes = True  # the response may end before the body does
        if live := exchange.scope.get("extensions", {}).get(LIVE_BODY):
            live()
        with self._serving.admission.receive(0, exchange.caller) as ticket:
            try:
                await self._stream(exchange, scorer, ticket)
            except ServiceError as error:
                await _end_early(exchange, error)
            except asyncio.CancelledError:
                if exchange.is_gone_if_cancelled or not exchange.status:
                    raise
                await _end_early(exchange, ShuttingDown("rows: the service stops before they end"))
        await exchange.end()

    def _scorer(self, exchange: Exchange) -> SeriesScorer:
        chosen = query.checked(exchange.scope["query_string"], ScoreStreamQuery)
        model = self._serving.registry.get_for("reconstruct", chosen.model, chosen.version)
        name_model(exchange, model)
        return SeriesScorer(model, chosen.false_alarm_rate)

    async def _stream(self, exchange: Exchange, scorer: SeriesScorer, ticket: Ticket) -> None:
        windows = scorer.windows
        most = min(NUMBERS, self._serving.limits.output_bytes // 4)
        rows = min(row_stream.ROWS, max(1, row_stream.VALUES // scorer.rows.features))
        async for part in row_stream.parts(exchange, min(rows, scorer.rows_of(most))):
            for cut in _cuts(scorer, part):
                async with row_stream.in_time(exchange, "scores"):
                    outputs = await self._run(exchange, scorer, cut, ticket)
                exchange.items += len(cut.starts)
                lines = map(ndjson.line, scorer.described(cut, outputs))
                await _send(exchange, scorer, b"".join(lines))
        if not windows.rows:
            raise MalformedBody("rows: expected at least one, received none")
        end = {"rows": windows.rows, "rows_left_over": windows.left_over}
        await _send(exchange, scorer, ndjson.line(end))

    async def _run(
        self, exchange: Exchange, scorer: SeriesScorer, cut: Cut, ticket: Ticket
    ) -> Floats:
        """Return the reconstructions of windows; wait while there is no room for them."""
        batcher, admission = scorer.model.batchers["reconstruct"], self._serving.admission
        size = self._serving.limits.check_output(cut.array.shape)
        batcher.session.check(cut.array, None, known_finite=True)
        with ticket.part(waits=True) as part:
            while True:
                with contextlib.suppress(Overloaded):
                    part.arrive()
                    break
                await admission.room.departure()
            seconds = batcher.seconds(cut.array.size, None)
            part.grow(items=len(cut.starts) - 1, size=size, seconds=seconds)
            result = await batcher.submit(cut.array, None, caller=exchange.caller)
        return result.output


def _check_head(exchange: Exchange) -> None:
    """Raise UnsupportedMediaType or NotAcceptable where a head is none of such a stream."""
    content_type = exchange.header(b"content-type")
    if CONTENT_TYPES[content_type].name not in ndjson.TYPES:
        received = content_type[:200] or "none"
        raise UnsupportedMediaType(f"Content-Type: expected {NDJSON}, received {received}")
    coding = exchange.header(b"content-encoding")
    if coding not in ("", "identity"):
        raise UnsupportedMediaType(f"Content-Encoding: expected none, received {coding[:200]}")
    choose(exchange.header(b"accept"), (NDJSON,))


async def _send(exchange: Exchange, scorer: SeriesScorer, lines: bytes) -> None:
    if not exchange.status:
        headers: Sequence[Header] = ()
        if scorer.above:
            headers = ((b"x-score-threshold", b"%.9g" % scorer.above.score),)
        await exchange.start(200, NDJSON, headers)
    await send(exchange, lines)


async def _end_early(exchange: Exchange, error: ServiceError) -> None:
    """Say in the last line why there are no more. Raises the error where no line was sent."""
    if not exchange.status:
        raise error
    exchange.fault = (error.code, str(error))
    document = problem_document(error.status, error.code, error.title, str(error))
    await send(exchange, ndjson.line({"error": document}), is_progress=False)


def _cuts(scorer: SeriesScorer, part: Sequence[Any]) -> Iterator[Cut]:
    """Yield windows that end within some rows, those before a wrong row too.

    Raises:
        InvalidValue: A row is wrong.
    """
    names = [column.name for column in scorer.rows.columns]

    def push(some: Sequence[Any]) -> Cut:
        may_miss, first = scorer.rows.missing, scorer.windows.rows
        return scorer.push(json_rows.columns_of(some, names, may_miss=may_miss, first=first))

    try:
        cuts = [push(part)]
    except InvalidValue:
        yield from (cut for row in part if len((cut := push([row])).starts))
        raise
    yield from (cut for cut in cuts if len(cut.starts))
