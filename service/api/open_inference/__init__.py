"""The Open Inference Protocol (V2) under /v2, for clients of KServe and Triton."""

from collections.abc import Callable

from fastapi.routing import APIRoute

from service.api.open_inference import infer, metadata, repository
from service.api.routing import Serving
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

    Args:
        serving: What the endpoints need.
        models: The repository to list and to control.
        max_batch: Most items of several requests in one batch.
        is_draining: Returns whether graceful shutdown has begun.
        control: Whether clients may load and unload models.
    """
    return [
        *infer.routes(serving),
        *metadata.routes(serving, max_batch, is_draining),
        *repository.routes(serving, models, control=control),
    ]
