"""What is not read: the names of other formats, and the errors that name what is received."""

from service.errors import UnsupportedMediaType
from service.images.formats import OTHERS, Format, Policy, labels


def name_of(head: bytes) -> str | None:
    """Return the name of a format that is recognised and not read, or None.

    Args:
        head: The first bytes of a file, with zeros for the length in a RIFF file.
    """
    if head[4:8] in (b"ftyp", b"moov", b"mdat"):
        return "a video"
    head = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(b"<?xml") and b"svg" in head.lower():
        return "SVG"
    return next((name for start, name in OTHERS.items() if head.startswith(start)), None)


def unknown(name: str | None, policy: Policy) -> UnsupportedMediaType:
    """Return the error of a file in no format that is read; its name where it is known."""
    name = name or "another format"
    return _error(f"{name[0].upper()}{name[1:]} is not read here", policy)


def turned_off(format_: Format, policy: Policy) -> UnsupportedMediaType:
    """Return the error of a format that a setting leaves out."""
    return _error(f"{format_.label} is turned off here (SERVICE_FORMATS)", policy)


def missing(format_: Format, policy: Policy) -> UnsupportedMediaType:
    """Return the error of a format whose library is not installed."""
    return _error(why_missing(format_), policy)


def why_missing(format_: Format) -> str:
    """Return why a format is not read whose library is not installed, and what installs it."""
    extra = format_.extra
    return (
        f"{format_.label} is read only with the extra `{extra}`, which is not installed here "
        f"(make serve EXTRAS={extra}, or pip install --find-links dist "
        f"'autoencoder-service[cpu,{extra}]')"
    )


def _error(why: str, policy: Policy) -> UnsupportedMediaType:
    return UnsupportedMediaType(f"picture: {why}; expected one of {labels(policy.formats)}")
