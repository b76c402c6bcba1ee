"""The application builder: `serve run service.ray.application:build`, or a configuration file."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from service.errors import StartupError
from service.inference.loader import newest, nothing_in
from service.ray.arguments import Arguments, checked
from service.ray.model_replica import multiplexed
from service.ray.replica import Replica
from service.ray.retry_after import RETRY_AFTER

if TYPE_CHECKING:
    from ray.serve import Application  # which needs the extra `ray`

DEPLOYMENT = "Service"
"""The name of the deployment whose replicas clients reach; others have the names of models."""

STOP_SECONDS = 30.0
"""Beside `timeout` that a replica may take to stop."""

STARTS = 3
"""Of the replicas of a deployment, until Ray reports it as failed: a wrong setting stays wrong."""


def build(arguments: dict[str, Any]) -> "Application":
    """Return the application; deployments of a configuration file override its options.

    Args:
        arguments: Settings by their names in lower case, and `layout`.

    Raises:
        StartupError: An argument is unknown, out of range, or means nothing on Ray Serve; or, in
            the layout `split`, the folder of models has none.
    """
    given = checked(arguments)
    handles = _models(given) if given.layout == "split" else None
    application: Application = _service(given).bind(given.settings, handles)
    return application


def _service(given: Arguments) -> Any:
    """Return the deployment of the service."""
    from ray import serve
    from ray.serve.config import BackpressureConfig

    return serve.deployment(
        serve.ingress()(Replica),
        name=DEPLOYMENT,
        # The service's own admission refuses first, which knows what requests cost.
        max_ongoing_requests=given.max_queue_items,
        max_queued_requests=given.max_queue_items,
        backpressure_config=BackpressureConfig(status_code=429, retry_after_s=RETRY_AFTER),
        **_lifecycle(given),
    )


def _models(given: Arguments) -> "dict[str, Application]":
    """Return an application of each model of the folder, by name."""
    folders = newest(given.models)
    if not folders:
        raise nothing_in(given.models)
    if DEPLOYMENT in folders:
        raise StartupError(
            f"{given.models}: expected no model of the name {DEPLOYMENT}, which is that of the "
            "deployment of the service, received one"
        )
    return {name: _model(given, name, folder) for name, folder in folders.items()}


def _model(given: Arguments, name: str, folder: Path) -> "Application":
    from ray import serve

    deployment = serve.deployment(
        multiplexed(),
        name=name,
        # Two batches: one runs while the next one gathers. What waits beyond, waits where it came
        # from, and goes to whichever replica is free.
        max_ongoing_requests=2 * given.max_batch,
        **_lifecycle(given),
    )
    application: Application = deployment.bind(given.settings, folder)
    return application


def _lifecycle(given: Arguments) -> dict[str, Any]:
    """Return the options of how replicas start and stop, so that no request is lost."""
    return {
        "graceful_shutdown_timeout_s": given.timeout + STOP_SECONDS,
        "graceful_shutdown_wait_loop_s": 0.5,
        "max_constructor_retry_count": STARTS,
        # New replicas are ready before old ones stop.
        "max_surge_percent": 100,
    }
