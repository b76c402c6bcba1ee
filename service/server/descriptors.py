"""File descriptors: as many as the connections need."""

import logging
import sys

from service.server.limits import BEYOND

OTHERS = 256
"""File descriptors for what is no connection: models, jobs, logs, processes, libraries."""

log = logging.getLogger("service")


def within_descriptors(connections: int) -> int:
    """Return how many connections there may be within the file descriptors of this process.

    The soft limit of descriptors is raised as far as connections need it and the hard one lets it:
    a server without any accepts nothing, and says so to nobody.

    Args:
        connections: How many are wanted, 0 for any number.
    """
    if sys.platform == "win32":
        return connections
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = sys.maxsize if hard == resource.RLIM_INFINITY else hard
    needed = min(most, connections + BEYOND + OTHERS) if connections else soft
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    there = max(1, most - BEYOND - OTHERS)
    if connections <= there:
        return connections
    log.warning(
        "connections: expected %d file descriptors for %d of them (ulimit -n), received %d: "
        "there will be at most %d",
        connections + BEYOND + OTHERS,
        connections,
        most,
        there,
    )
    return there
