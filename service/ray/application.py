"""The application builder: `serve run service.ray.application:build`, or a configuration file."""

from typing import TYPE_CHECKING, Any

from service.ray.arguments import Arguments, checked
from service.ray.replica import Replica

if TYPE_CHECKING:
    from ray.serve import Application  # which needs the extra `ray`

DEPLOYMENT = "Service"
"""The name of the deployment whose replicas clients reach."""

RETRY_AFTER = 1
"""Seconds after which clients that Ray's proxies refuse should try again."""

STOPPING = 30.0
"""Seconds beside `timeout` that a replica may take to stop."""

ATTEMPTS = 3
"""To start the replicas of a deployment: a wrong setting is reported after so many."""


def build(arguments: dict[str, Any]) -> "Application":
    """Return the application; deployments of a configuration file override its options.

    Args:
        arguments: Settings by their names in lower case, and `layout`.

    Raises:
        StartupError: An argument is unknown, out of range, or means nothing on Ray Serve.
    """
    given = checked(arguments)
    application: Application = _service(given).bind(given.settings)
    return application


def _service(given: Arguments) -> Any:
    """Return the deployment of the whole service."""
    from ray import serve
    from ray.serve.config import BackpressureConfig

    return serve.deployment(
        serve.ingress()(Replica),
        name=DEPLOYMENT,
        # The service's own admission refuses first, which knows what requests cost.
        max_ongoing_requests=given.max_queue_items,
        max_queued_requests=given.max_queue_items,
        backpressure_config=BackpressureConfig(status_code=429, retry_after_s=RETRY_AFTER),
        graceful_shutdown_timeout_s=given.timeout + STOPPING,
        graceful_shutdown_wait_loop_s=0.5,
        max_constructor_retry_count=ATTEMPTS,
        # New replicas are ready before old ones stop.
        max_surge_percent=100,
    )
