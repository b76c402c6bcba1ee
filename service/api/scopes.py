"""Which scope a path needs, decided before anything else is known of a request.

What is open matches exactly; what needs more than `infer` begins so. A path that is written in
another way, or that nobody has, needs `infer`.
"""

import re

from service.access.identity import CONTROL, INFER, METRICS, ScopeName

NEEDED = "needed_scope"
"""Where the state of an ASGI scope has what scope_of() returns, where that is known by then."""
OPEN = re.compile(
    r"/(v2/)?health/(live|ready)"  # probes
    r"|/v2/models/[^/]+(/versions/[^/]+)?/ready"
    r"|/|/playground/.+"  # the page, which asks for a key
    r"|/docs|/docs/oauth2-redirect|/redoc|/openapi\.json|/static-offline-docs/.+"
)
"""Probes, and pages: a browser sends no key with their addresses."""
BEGINNINGS: tuple[tuple[str, ScopeName], ...] = (
    ("/v2/repository/models", CONTROL),
    ("/metrics", METRICS),
)


def scope_of(path: str) -> ScopeName | None:
    """Return the scope that a path needs, None where it is open to anybody."""
    if OPEN.fullmatch(path):
        return None
    for beginning, scope in BEGINNINGS:
        if path.startswith(beginning):
            return scope
    return INFER
