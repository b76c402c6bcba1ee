"""uvicorn's configuration, with the bounds on connections."""

from typing import Any

import uvicorn

from service.server.limits import ConnectionLimits


class Config(uvicorn.Config):
    """uvicorn's configuration.

    Attributes:
        connections: What the connections of each worker may take.
    """

    def __init__(self, *arguments: Any, connections: ConnectionLimits, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.connections = connections
