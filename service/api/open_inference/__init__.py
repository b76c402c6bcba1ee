"""The Open Inference Protocol under /v2, as KServe and Triton have it, for clients that exist."""

from collections.abc import Callable

from fastapi.routing import APIRoute

from service.api.open_inference import infer, metadata, repository
from service.api.pipeline import Serving
from service.inference.repository import Repository


def routes(
    serving: Serving,
    models: Repository,
    max_batch: int,
    is_draining: Callable[[], bool],
    *,
    control: bool,
) -> list[APIRoute]:
    """Return the routes of the protocol.

    max_batch: items of several requests that may run at once; is_draining: whether the service was
    told to stop; control: whether clients may load and unload models.
    """
    return [
        *infer.routes(serving),
        *metadata.routes(serving, max_batch, is_draining),
        *repository.routes(serving, models, control=control),
    ]
