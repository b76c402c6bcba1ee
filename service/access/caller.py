"""Who sends a request, and what they may do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

ScopeName = Literal["infer", "control", "metrics"]
INFER: ScopeName = "infer"
"""The operations, models, and the caller's own jobs."""
CONTROL: ScopeName = "control"
"""Loading and unloading models, and the jobs of others."""
METRICS: ScopeName = "metrics"
"""GET /metrics."""
SCOPES: tuple[ScopeName, ...] = get_args(ScopeName)
ALL: frozenset[ScopeName] = frozenset(SCOPES)
CALLER = "caller"
"""Where the state of an ASGI scope has the caller, once a key has told who it is."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends a request.

    Attributes:
        name: The name of its API key, None without.
        address: The IP address of the connection, "" where there is none.
        scopes: What it may do.
    """

    name: str | None
    address: str
    scopes: frozenset[ScopeName]

    def may_see(self, owner: str) -> bool:
        """Return whether a job is the caller's, or any job is to be seen.

        Args:
            owner: The name under which the job was created, "" for none.
        """
        return CONTROL in self.scopes or (self.name is not None and self.name == owner)


def address_of(scope: Mapping[str, Any]) -> str:
    """Return the IP address that a request comes from, "" where the server knows none."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def caller_of(scope: Mapping[str, Any]) -> Caller:
    """Return who sends a request: anybody, who may do all, where no API keys are set.

    Args:
        scope: The ASGI scope.
    """
    caller: Caller | None = scope.get("state", {}).get(CALLER)
    return caller or Caller(None, address_of(scope), ALL)
