"""The head of a request: bounds on it, and the Host that it must have."""

import re
from collections.abc import Collection
from http import HTTPStatus

from service.api.problems import Failed
from service.server.refusal import Header, plain

LONGEST_HEAD = 64 * 1024
"""Bytes of a request's head, or of a body's framing or trailers, that are read at least. They are
counted in no queue, and the parser copies what it has of a header with each read: a header of 8 MB
blocks the event loop for 2.5 s, one of 32 MB for 37 s."""
MOST_HEADERS, LONGEST_URL = 128, 8192
"""Headers of a request, and bytes of its path and query: RFC 9110, section 4.1, asks for 8000."""
_HOST = re.compile(
    rb"(?:\[[0-9A-Fa-f:.v~!$&'()*+,;=%_-]+\]|(?:[0-9A-Za-z._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)"
    rb"(?::[0-9]*)?"
)
"""RFC 9110, section 7.2: a host as in a URI (RFC 3986, section 3.2.2), which may be empty, and a
port."""


def too_long() -> Failed:
    """Return the response to a head that does not end."""
    fault = f"head: expected at most {LONGEST_HEAD} bytes, received more"
    return plain(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, fault)


def beyond_bounds(url: bytes | None, headers: Collection[Header] | None) -> Failed | None:
    """Return the response to too long a URL or too many headers, None where both are in bounds."""
    if len(url or b"") > LONGEST_URL:
        fault = f"URL: expected at most {LONGEST_URL} bytes, received {len(url or b'')}"
        return plain(HTTPStatus.REQUEST_URI_TOO_LONG, fault)
    if len(headers or ()) > MOST_HEADERS:
        fault = f"head: expected at most {MOST_HEADERS} headers, received {len(headers or ())}"
        return plain(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, fault)
    return None


def wrong_host(headers: Collection[Header], version: str) -> Failed | None:
    """Return the response to a Host that is not as RFC 9112, section 3.2, asks for, else None.

    A proxy may have believed another of several, and chosen by none or by another name.

    Args:
        headers: Their names in lower case.
        version: That of HTTP: before 1.1 there need not be one.
    """
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) == 1 and _HOST.fullmatch(hosts[0]):
        return None
    if not hosts and version < "1.1":
        return None
    received = "one that is none" if len(hosts) == 1 else str(len(hosts) or "none")
    return plain(
        HTTPStatus.BAD_REQUEST, f"Host: expected one name or address and port, received {received}"
    )
