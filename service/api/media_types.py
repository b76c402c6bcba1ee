"""The media types of bodies and of answers, told by Content-Type or by how a body begins."""

import codecs

from multipart import parse_options_header

from service.api.body import Body
from service.api.caching import remembered
from service.api.codecs import image as pictures
from service.api.negotiation import NICKNAMES
from service.errors import MalformedBody, UnsupportedMediaType
from service.images.formats import HEAD, named
from service.manifest import OperationName

JSON, NPY, MULTIPART = "application/json", "application/x-npy", "multipart/form-data"
ARRAYS = (JSON, NPY)
PICTURES = tuple(pictures.FORMATS)
# What curl and browsers say of a body whose type they were not told.
UNTOLD = ("", "application/octet-stream", "application/x-www-form-urlencoded")


def readable(operation: OperationName) -> tuple[str, ...]:
    """Return the media types that an operation reads; a coding is never a picture."""
    return (JSON, NPY) if operation == "decode" else (JSON, NPY, *PICTURES, MULTIPART)


def writable(operation: OperationName) -> tuple[str, ...]:
    """Return the media types that an operation writes."""
    return (JSON, NPY) if operation == "encode" else (JSON, NPY, *PICTURES)


def media_type(body: Body, content_type: str, operation: OperationName) -> tuple[str, str]:
    """Return the media type of a body, and the boundary of its parts, "" where it has none.

    Raises UnsupportedMediaType with the list of what is read, MalformedBody for an empty body.
    """
    if not body:
        raise MalformedBody(
            f"body: expected one of {', '.join(readable(operation))}, received nothing"
        )
    told, boundary = _parsed(content_type)
    found = _sniffed(body) if told in UNTOLD else told
    if found not in readable(operation):
        received = content_type[:200]
        if told in UNTOLD:
            what = found or named(bytes(body[:HEAD])) or "recognised as none of them"
            received = f"none, with a body that is {what}"
        raise UnsupportedMediaType(
            f"Content-Type: expected one of {', '.join(readable(operation))}, received {received}"
        )
    return found, boundary


@remembered(256)
def _parsed(content_type: str) -> tuple[str, str]:
    found, options = parse_options_header(content_type)
    return NICKNAMES.get(found, found), options.get("boundary", "")


def _sniffed(body: Body) -> str:
    head = bytes(body[:64])
    if head.startswith(b"\x93NUMPY"):
        return NPY
    text = head.removeprefix(codecs.BOM_UTF8).lstrip()  # JSON or not, its reader says what is wrong
    return JSON if text.startswith((b"{", b"[")) else pictures.media_type_of(head)
