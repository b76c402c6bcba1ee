"""Arguments of the application on Ray Serve: settings of the service, and its layout."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import Field, ValidationError

from service.errors import StartupError
from service.pydantic_errors import explain
from service.setting_names import variable
from service.settings import Settings

CONNECTIONS = "Ray's proxies hold the connections"
STOPPING = "graceful_shutdown_timeout_s of the deployment says how long a replica may take to stop"
FOREIGN = {
    "host": "http_options of Serve's configuration say where its proxies listen",
    "port": "http_options of Serve's configuration say where its proxies listen",
    "workers": "num_replicas or autoscaling_config of the deployment say how many processes serve",
    "max_connections": CONNECTIONS,
    "head_seconds": CONNECTIONS,
    "min_rate": CONNECTIONS,
    "min_read_rate": CONNECTIONS,
    "drain_seconds": STOPPING,
    "shutdown_seconds": STOPPING,
    "repository_control": "a request would change one replica; deploy again with other models",
    "jobs_dir": f"replicas share no folder; {variable('jobs_url')} names a Redis that they share",
}
"""Settings that mean nothing on Ray Serve, and what does instead."""
URLS = "jobs_url", "rate_url"
"""Settings that may have a password."""


class Arguments(Settings):
    """The settings of each replica, from the arguments or SERVICE_*, and the layout.

    Attributes:
        layout: `combined`: each replica is the whole service. `split`: replicas of the service
            decode, cut and encode pictures, and each model has a deployment that runs batches.
    """

    layout: Annotated[
        Literal["combined", "split"],
        Field(
            description="combined: each replica is the whole service; split: each model has "
            "replicas of its own, which run the batches of all replicas of the service"
        ),
    ] = "combined"

    @property
    def settings(self) -> Settings:
        """What a replica is built with: no jobs in a folder, no repository control.

        Nothing is tried out in a process of its own where the graphs are in other replicas.
        """
        changes: dict[str, Any] = {"repository_control": False, "jobs_dir": ""}
        if self.layout == "split":
            changes["load_seconds"] = 0.0
        return self.model_copy(update=changes)


def checked(arguments: Mapping[str, Any]) -> Arguments:
    """Return the arguments of an application.

    Args:
        arguments: By the names of settings, in lower case, and `layout`.

    Raises:
        StartupError: One is unknown, out of range, means nothing on Ray Serve, or is a secret,
            which Serve's API and dashboard would show.
    """
    for name in ("api_keys", *URLS):
        if _is_secret(name, str(arguments.get(name) or "")):
            others = f"{variable('api_keys_file')} or " if name == "api_keys" else ""
            raise StartupError(
                f"{name}: expected no secret among the arguments, as Ray Serve shows them, "
                f"received one: set {others}{variable(name)} on every node"
            )
    for name, instead in FOREIGN.items():
        if name in arguments:
            raise StartupError(
                f"{name}: expected no such argument, as {instead}, received {arguments[name]!r}"
            )
    try:
        return Arguments(**arguments)
    except ValidationError as error:
        raise StartupError(explain(error)) from error


def _is_secret(name: str, value: str) -> bool:
    """Return whether a setting holds API keys or a URL with a password, as redis-py takes it."""
    if name not in URLS:
        return bool(value)
    try:
        url = urlsplit(value)
    except ValueError:  # what is wrong with it, the setting says
        return True
    return bool(url.password) or "password" in parse_qs(url.query)
