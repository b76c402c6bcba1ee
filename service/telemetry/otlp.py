"""What traces, metrics and logs that are exported by OTLP share: what they say of the service.

OpenTelemetry's OTEL_* variables say where they go. Needs the extra `otel`.
"""

import functools
import threading
import uuid
from collections.abc import Callable

from opentelemetry.sdk.resources import OTELResourceDetector, Resource

from service import __version__

NAME = "autoencoder-service"


@functools.cache
def resource() -> Resource:
    """Return the attributes of this process (semantic conventions, Service)."""
    described = Resource.create(
        {
            "service.name": NAME,
            "service.version": __version__,
            "service.instance.id": str(uuid.uuid4()),
        }
    )
    return described.merge(OTELResourceDetector().detect())


def finish(export: Callable[[], object], seconds: float) -> None:
    """Export what is left; give up after a number of seconds, as a receiver may hang."""
    last = threading.Thread(target=export, daemon=True)
    last.start()
    last.join(seconds)
