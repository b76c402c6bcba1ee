"""RateLimit-Policy and RateLimit, as draft-ietf-httpapi-ratelimit-headers-11 names them.

They are lists of strings with parameters (RFC 9651, sections 3.1 and 3.1.2).
"""

from collections.abc import Mapping
from typing import NamedTuple

from service.quota.window import MINUTE

POLICY, LIMIT = b"ratelimit-policy", b"ratelimit"
REQUESTS, MEGAPIXELS = "requests", "megapixels"
UNITS = {REQUESTS: "", MEGAPIXELS: f';qu="{MEGAPIXELS}"'}
"""The parameter of each policy that names its unit; requests are the default."""


class Remaining(NamedTuple):
    """What is left of a quota.

    Attributes:
        units: How many.
        seconds: For how long there are no more.
    """

    units: int
    seconds: int = MINUTE


def policies(quotas: Mapping[str, int]) -> bytes:
    """Return the value of RateLimit-Policy for quotas a minute, by the names of policies."""
    items = (f'"{name}";q={quota};w={MINUTE}{UNITS[name]}' for name, quota in quotas.items())
    return ", ".join(items).encode()


def limits(remaining: Mapping[str, Remaining]) -> bytes:
    """Return the value of RateLimit.

    What comes back in a minute is not promised sooner: clients that divide what is left by the time
    must not find a higher rate than the policy's (section 8.5 of the draft).
    """
    return ", ".join(
        f'"{name}";r={each.units};t={each.seconds}' for name, each in remaining.items()
    ).encode()
