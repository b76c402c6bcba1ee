"""Cross-site request forgery: requests that change state are refused from pages of other origins.

Any web page can let a browser send a POST to 127.0.0.1, without seeing the response. Browsers say
where such a request comes from (Fetch Metadata, and RFC 6454 before); other clients say nothing.
"""

from collections.abc import Callable, Collection

from service.access.origins import ANY
from service.errors import CrossOriginForbidden

OWN = ("same-origin", "none")
"""Sec-Fetch-Site of a page of the service itself, and of what a user enters."""


def check_origin(header: Callable[[bytes], str], allowed: Collection[str] = ()) -> None:
    """Check that no page of another origin sends a request, but of those that CORS allows.

    Sec-Fetch-Site decides where a browser sends it, and a page cannot forge it. Origin is compared
    with Host for browsers from before 2023.

    Args:
        header: Returns a header of the request by its name in lower case, "" where there is none.
        allowed: Origins whose pages may read responses, "*" for any.

    Raises:
        CrossOriginForbidden: One does.
    """
    origin = header(b"origin")
    if origin and (origin in allowed or ANY in allowed):
        return
    site = header(b"sec-fetch-site")
    if site:
        if site not in OWN:
            raise CrossOriginForbidden(
                f"Sec-Fetch-Site: expected one of {', '.join(OWN)} of a request that changes "
                f"state, received {site[:40]!r}"
            )
        return
    _, is_named, host = origin.lower().partition("://")
    if origin and not (is_named and host == header(b"host").lower()):
        raise CrossOriginForbidden(
            "Origin: expected the service's own, by its Host header, of a request that changes "
            f"state, received {origin[:200]!r}"
        )
