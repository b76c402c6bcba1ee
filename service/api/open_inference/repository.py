"""POST /v2/repository/...: which models there are, and loading and unloading them."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import orjson
from fastapi import Body
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from service.api.codecs.json_errors import shown
from service.api.media_types import JSON
from service.api.open_inference.document import Document, flag, parse
from service.api.open_inference.naming import entries, split
from service.api.open_inference.schemas import IndexEntry, IndexRequest, Name, errors
from service.api.origin import check_origin
from service.api.problems import open_inference_error
from service.api.request import Exchange
from service.api.routing import DirectRoute, Serving
from service.errors import ControlForbidden, InvalidValue
from service.inference.admission import Admission
from service.inference.repository import Repository

Act = Callable[[str, Document], Awaitable[Any]]
"""(model's name, document of the body) -> the document of the response."""

LARGEST_BODY = 64 * 1024
MOST_WAITING = 64
"""Requests that may be inside at once. They have a queue of their own, so that the repository can
be controlled while the queue of the models is full."""


# The signatures and docstrings that OpenAPI shows; nothing calls these functions.
def index(request: Annotated[IndexRequest | None, Body()] = None) -> None:
    """Every version of every model, or those that are ready."""


def load(model: Name) -> None:
    """Load a model, or load it again, from its folder; what is served is replaced at once."""


def unload(model: Name) -> None:
    """Stop serving a model, in all its versions, until it is loaded again."""


def routes(serving: Serving, models: Repository, *, control: bool) -> list[APIRoute]:
    """Return the routes that control a repository.

    Args:
        serving: Counts, logs and traces the requests.
        models: The repository.
        control: Whether clients may load and unload models.
    """
    room = Admission(max_items=MOST_WAITING, max_bytes=MOST_WAITING * LARGEST_BODY)

    async def list_all(_: str, document: Document) -> Any:
        only_ready = flag(document, "ready", default=False)
        return [
            entry._asdict()
            for entry in entries(models.registry)
            if entry.state == "READY" or not only_ready
        ]

    async def load_one(name: str, document: Document) -> Any:
        if given := document.get("parameters"):
            raise InvalidValue(
                f"parameters: expected none, as a model is loaded as its folder has it, "
                f"received {shown(given)}"
            )
        await models.load(*split(models.registry, name))
        return {}

    async def unload_one(name: str, _: Document) -> Any:
        await models.unload(*split(models.registry, name))
        return {}

    async def refuse(_name: str, _document: Document) -> Any:
        raise ControlForbidden(
            "repository: expected no request to load or unload a model, as this service is set to "
            "have none (SERVICE_REPOSITORY_CONTROL=false, or auto where the host is not loopback "
            "and there are no API keys), received one"
        )

    def changing(kind: str, act: Act) -> Control:
        return Control(serving, room, kind, act if control else refuse, changes=True)

    described = {"tags": ["open inference"]}
    faults = {
        400: "The body is not JSON, or not as its content coding says",
        413: "The body is too large",
        415: "The body has a content coding that is not read",
        429: "Too many requests for the repository are waiting",
        503: "The body does not come in time, or the service is shutting down",
    }
    refused = faults | {
        403: "The service is set to load and unload nothing, or a page of another origin asks",
        404: "No such model",
        422: "The body is not as expected; it may have no parameters to load a model with",
    }
    return [
        DirectRoute(
            "/v2/repository/index",
            index,
            Control(serving, room, "index", list_all, changes=False),
            response_model=list[IndexEntry],
            responses=errors(faults | {422: "The body is not as expected"}),
            **described,
        ),
        DirectRoute(
            "/v2/repository/models/{model}/load",
            load,
            changing("load", load_one),
            responses=errors(refused | {500: "What its folder has cannot be loaded"}),
            **described,
        ),
        DirectRoute(
            "/v2/repository/models/{model}/unload",
            unload,
            changing("unload", unload_one),
            responses=errors(refused),
            **described,
        ),
    ]


class Control:
    """The endpoint of one kind of request: a model in the path, a small document or none."""

    def __init__(
        self, serving: Serving, room: Admission, kind: str, act: Act, *, changes: bool
    ) -> None:
        """Create the endpoint.

        Args:
            serving: Counts, logs and traces the requests.
            room: Admits them.
            kind: What they are counted as.
            act: What they do; returns the JSON of the response.
            changes: Whether that changes what is served.
        """
        self._serving = serving
        self._room = room
        self._kind = kind
        self._act = act
        self._changes = changes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, receive, send)
        await self._serving.handle(exchange, self._kind, self._respond, open_inference_error)

    async def _respond(self, exchange: Exchange) -> None:
        if self._changes:
            check_origin(exchange.header, self._serving.origins)
        with self._room.receive(exchange.length(LARGEST_BODY, ""), exchange.caller) as ticket:
            body = await exchange.body(LARGEST_BODY, ticket, "")
            name = exchange.scope.get("path_params", {}).get("model", "")
            document = await self._act(name, parse(bytes(body) or b"{}", or_null=not self._changes))
        await exchange.respond(200, JSON, (), orjson.dumps(document))
