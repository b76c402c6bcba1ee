"""POST /jobs, which stores a request to run later, and what a client asks of jobs then."""

from collections.abc import Callable

from starlette.routing import BaseRoute

from service.api.jobs import events, listing, read, submit
from service.api.operations import Endpoints
from service.api.routing import Serving
from service.jobs.jobs import Jobs


def routes(
    jobs: Jobs | None,
    serving: Serving,
    endpoints: Endpoints,
    is_draining: Callable[[], bool],
) -> list[BaseRoute]:
    """Return the routes of jobs.

    Args:
        jobs: The jobs; None where they are off.
        serving: What counts, logs and limits the requests that create jobs.
        endpoints: The endpoints of the operations that run jobs.
        is_draining: Returns whether graceful shutdown has begun.
    """
    return [
        submit.route(jobs, serving, endpoints),
        *listing.create_router(jobs).routes,
        *read.create_router(jobs, serving.origins).routes,
        *events.create_router(jobs, is_draining).routes,
    ]
