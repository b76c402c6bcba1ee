"""Start the service with a model of photographs."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.contenders import SERVICE, Contender
from benchmarks.images import noisy
from benchmarks.photographs.asking import Asked
from benchmarks.servers import Server, serving


@dataclass(frozen=True)
class Service:
    """The service that answers.

    model: of photographs; small: the request for one 28x28 image in JSON.
    """

    server: Server
    model: str
    small: Asked

    def denoise(self, file: bytes, media_type: str) -> Asked:
        """Return the request for a photograph, to be answered in its own format."""
        url = urlsplit(self.server.url)._replace(query=f"model={self.model}").geturl()
        return Asked(url, file, media_type)


Start = Callable[[], AbstractContextManager[Service]]
"""Starts the service."""


@contextmanager
def started(
    models: Path, model: str, programs: Path, contender: Contender = SERVICE
) -> Iterator[Service]:
    """Start the service in one process, over models among which is denoising-dropout.

    programs: the folder of its environment's programs; contender: how it is started. Raises
    Unavailable where it does not start.
    """
    contender = replace(contender, variables={"SERVICE_MODELS": str(models.resolve())})
    with serving(contender, programs, "json", noisy(1)) as server:
        small = Asked(server.url, server.request.body, server.request.content_type)
        yield Service(server, model, small)
