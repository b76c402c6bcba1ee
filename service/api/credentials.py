"""The API key of a request: Authorization: Bearer KEY (RFC 6750, section 2.1) or X-API-Key: KEY.

None is read from the query, which logs and histories keep.
"""

from collections.abc import Iterable

from service.errors import Unauthenticated

MISSING = "API key: expected Authorization: Bearer KEY or X-API-Key: KEY, received neither"
INVALID_TOKEN = "invalid_token"
"""RFC 6750's code of a key that is malformed, unknown or expired."""


def key_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the key of a request.

    An Authorization of another scheme is a proxy's, beside an X-API-Key.

    Args:
        headers: Those of the request, their names in lower case.

    Raises:
        Unauthenticated: There is none, or there are two that differ.
    """
    sent = set()
    is_other = False
    for name, value in headers:
        if name == b"x-api-key":
            sent.add(value.strip())
        elif name == b"authorization":
            scheme, _, key = value.strip().partition(b" ")
            if scheme.lower() == b"bearer":
                sent.add(key.strip())
            else:
                is_other = True
    if len(sent) > 1:
        raise Unauthenticated(
            "API key: expected one, received several that differ", fault=INVALID_TOKEN
        )
    if not sent and is_other:
        raise Unauthenticated(
            "Authorization: expected Bearer KEY, or X-API-Key: KEY, received another scheme"
        )
    if not sent:
        raise Unauthenticated(MISSING)
    return sent.pop().decode("latin-1")
