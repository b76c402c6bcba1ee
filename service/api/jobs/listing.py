"""GET /jobs: the jobs of an API key in pages, those of all keys with the scope `control`."""

from collections.abc import Collection
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from service.access.identity import identity_of
from service.api.jobs.document import JobDocument, document
from service.api.jobs.read import PRIVATE, present
from service.api.openapi import problems
from service.api.query import checked
from service.errors import InvalidValue, ListingForbidden
from service.jobs.jobs import Jobs
from service.jobs.listing import CURSOR, page
from service.jobs.record import State
from service.jobs.tally import STATES

MOST = 1000
"""Jobs of a page, at most."""
ANY_STATE = "|".join(STATES)


class ListQuery(BaseModel):
    """Which jobs, how many, and where to go on."""

    state: Annotated[
        str | None,
        Field(
            json_schema_extra={"pattern": f"^({ANY_STATE})(,({ANY_STATE}))*$"},
            description="states, separated by commas: those of `queued`, `running`, `succeeded`, "
            "`failed` and `cancelled` that are wanted; all where it is left out",
        ),
    ] = None
    limit: Annotated[int, Field(ge=1, le=MOST, description="jobs of a page, at most")] = 100
    cursor: Annotated[
        str | None,
        Field(
            json_schema_extra={"pattern": f"^{CURSOR.pattern}$"},
            description="`next` of the page before; the newest jobs where it is left out",
        ),
    ] = None


class JobList(BaseModel):
    """A page of jobs, the newest first."""

    jobs: list[JobDocument]
    next: Annotated[str | None, Field(description="cursor of the next page; null after the last")]


def create_router(jobs: Jobs | None) -> APIRouter:
    """Return the route; jobs are None where they are off."""
    router = APIRouter(tags=["jobs"])

    @router.get(
        "/jobs",
        openapi_extra={"parameters": _parameters()},
        responses=problems(
            {
                403: "The service has no API keys, so that it is not known whose jobs to list",
                422: "A parameter is not as expected; the detail says what was",
                501: "Jobs are off",
                503: "The store of jobs cannot be reached",
            }
        ),
    )
    async def listed(request: Request, response: Response) -> JobList:
        """The jobs of the API key, or of all keys with the scope `control`, the newest first."""
        stored, identity = present(jobs), identity_of(request.scope)
        choice = checked(request.scope["query_string"], ListQuery)
        states = _states(choice.state)
        if identity.name is None:
            raise ListingForbidden(
                "jobs: expected an API key, received none, and the service has none: without keys, "
                "who has the id of a job may see it, so that ids are told to nobody else"
            )
        entries = await stored.entries()
        found = page(
            (each for each in entries if each.state in states and identity.may_see(each.job.owner)),
            choice.limit,
            choice.cursor or "",
        )
        response.headers["Cache-Control"] = PRIVATE
        shown = [document(stored, each) for each in found.entries]
        return JobList(jobs=shown, next=found.cursor or None)

    return router


def _states(text: str | None) -> Collection[State]:
    """Return states that are separated by commas, all for None. Raises InvalidValue for others."""
    if text is None:
        return STATES
    given = text.split(",")
    if others := [each[:40] for each in given if each not in STATES]:
        raise InvalidValue(f"state: expected some of {','.join(STATES)}, received {others[0]!r}")
    return [each for each in STATES if each in given]


def _parameters() -> list[dict[str, Any]]:
    """Return the parameters as OpenAPI has them: FastAPI would report its own errors of them."""
    schemas = ListQuery.model_json_schema()["properties"]
    return [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": schema.pop("description"),
            "schema": schema,
        }
        for name, schema in schemas.items()
    ]
