"""Who sends a request, and what they may do."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from service.access.allowance import DEFAULT, Allowance

ScopeName = Literal["infer", "control", "metrics"]
INFER: ScopeName = "infer"
"""The operations, models, and the caller's own jobs."""
CONTROL: ScopeName = "control"
"""Loading and unloading models, and the jobs of others."""
METRICS: ScopeName = "metrics"
"""GET /metrics."""
SCOPES: tuple[ScopeName, ...] = get_args(ScopeName)
ALL: frozenset[ScopeName] = frozenset(SCOPES)
IDENTITY = "identity"
"""Where the state of an ASGI scope has who sends the request, once a key has told it."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who sends a request.

    Attributes:
        name: The name of its API key, None without.
        address: The IP address of the connection, "" where there is none.
        scopes: What it may do.
        allowance: What it may take.
    """

    name: str | None
    address: str
    scopes: frozenset[ScopeName]
    allowance: Allowance = DEFAULT

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


def block_of(address: str) -> str:
    """Return the block of addresses that a caller without a key has, as far as can be told.

    An IPv6 network has 2**64 addresses at least (RFC 4291, section 2.5.4), which are one caller;
    IPv4 addresses are one each, also those that an IPv6 socket maps (section 2.5.5.2).

    Args:
        address: Of a connection; what is no IP address is returned as it is.
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return address
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(found), 64), strict=False))


def identity_of(scope: Mapping[str, Any]) -> Identity:
    """Return who sends a request: anybody, who may do all, where no API keys are set.

    Args:
        scope: The ASGI scope.
    """
    identity: Identity | None = scope.get("state", {}).get(IDENTITY)
    return identity or Identity(None, address_of(scope), ALL)
