"""Which of the offered media types a client accepts best (RFC 9110, section 12.5.1)."""

from collections.abc import Sequence

from service.errors import NotAcceptable

NICKNAMES = {"image/jpg": "image/jpeg"}
"""What is no media type, and is sent and asked for as one all the same."""


def choose(accept: str, offered: Sequence[str]) -> str:
    """Return the offered media type that an Accept header prefers; among equals, the first offered.

    Raises NotAcceptable, with the list, where the header refuses them all.
    """
    ranges = [_parse(part) for part in accept.split(",") if part.strip()] or [("*/*", 1.0)]

    def quality(media_type: str) -> float:
        # The most specific range decides: a/b before a/* before */*.
        for candidate in (media_type, media_type.split("/", maxsplit=1)[0] + "/*", "*/*"):
            for name, q in ranges:
                if name == candidate:
                    return q
        return 0.0

    best = max(offered, key=quality)
    if quality(best) <= 0:
        raise NotAcceptable(
            f"Accept: expected one of {', '.join(offered)}, received {accept[:200]}"
        )
    return best


def _parse(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    name = NICKNAMES.get(name, name)
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return name, min(1.0, max(0.0, float(parameter[2:])))
            except ValueError:
                return name, 0.0
    return name, 1.0
