"""The response of Ray's HAProxy where a replica ends before it answers, or where there is none.

HAProxy has one page for that, in a file, whose content Ray would have be a plain-text 500: clients
would take it for an error of the service that comes again. It reads the file each time that
replicas come or go.
"""

import logging
import os
from pathlib import Path

from service.api.problems import response_to
from service.errors import ReplicaLost
from service.ray.retry_after import RETRY_AFTER

ENABLED, CONFIGURATION = "RAY_SERVE_ENABLE_HA_PROXY", "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC"
"""Variables of Ray's: whether there is an HAProxy, and where its configuration is."""
DEFAULT = "/tmp/haproxy-serve/haproxy.cfg"
NAME = "500.http"
"""Of the file, in a folder of the node beside the configuration."""

log = logging.getLogger(__name__)


def replica_lost() -> ReplicaLost:
    """Return the error of a request that no replica answers."""
    return ReplicaLost(
        "expected a replica to answer, received none: it has ended, or none has started",
        retry_after=RETRY_AFTER,
    )


def page() -> bytes:
    """Return the response as HAProxy sends it: a problem that says when to try again."""
    response = response_to("/", replica_lost())
    head = [b"HTTP/1.1 %d Service Unavailable" % response.status_code]
    head += [b"%s: %s" % each for each in response.raw_headers]
    return b"\r\n".join([*head, b"", bytes(response.body)])


def write_page() -> None:
    """Put it in the place of Ray's page on this machine, where there is one."""
    if os.environ.get(ENABLED) != "1":
        return
    for path in Path(os.environ.get(CONFIGURATION, DEFAULT)).parent.glob(f"*/{NAME}"):
        try:
            if path.read_bytes() != page():
                new = path.with_suffix(f".{os.getpid()}")
                new.write_bytes(page())
                new.replace(path)
        except OSError as error:
            log.warning("%s: expected a file that can be written, received: %s", path, error)
