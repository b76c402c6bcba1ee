"""Media types: what a body is, by its Content-Type or its first bytes, and what Accept prefers."""

import codecs
import functools
from collections.abc import Sequence
from dataclasses import dataclass

from multipart import parse_options_header

from service.api.body import Body
from service.api.caching import BoundedCache
from service.errors import MalformedBody, NotAcceptable, UnsupportedMediaType
from service.images.decode import HEAD, named, recognised
from service.images.formats import BY_TYPE, PNG, READ, is_installed, written
from service.manifest import OperationName

JSON, NPY, MULTIPART = "application/json", "application/x-npy", "multipart/form-data"
ZIP, MIXED = "application/zip", "multipart/mixed"
CSV, PARQUET = "text/csv", "application/vnd.apache.parquet"
ROWS = (CSV, PARQUET)
"""Rows with named columns; JSON may have them, too."""
ARRAYS = (JSON, NPY, *ROWS)
PICTURES = READ
UNKNOWN = ("", "application/octet-stream", "application/x-www-form-urlencoded")
"""What curl and browsers send as the Content-Type of a file whose type they do not know."""
ALIASES = {
    "image/jpg": "image/jpeg",
    "image/heif": "image/heic",
    "image/tif": "image/tiff",
    "application/x-zip-compressed": ZIP,
    "application/parquet": PARQUET,
    "application/x-parquet": PARQUET,
}
"""Names that are no media types, or of more than one, and are sent and accepted all the same."""


@dataclass(frozen=True, slots=True)
class MediaType:
    """The media type of a body, and the boundary of its parts, "" where it has none."""

    name: str
    boundary: str = ""


def readable(operation: OperationName) -> tuple[str, ...]:
    """Return the media types that an operation reads; a coding is never a picture."""
    if operation == "decode":
        return (JSON, NPY)
    archives = (ZIP,) if operation == "denoise" else ()
    rows = () if operation == "estimate" else ROWS
    return (JSON, NPY, *PICTURES, MULTIPART, *archives, *rows)


def writable(operation: OperationName) -> tuple[str, ...]:
    """Return the media types that an operation writes."""
    if operation in ("estimate", "neighbours"):
        return (JSON,)
    # Scores are numbers; their maps may be pictures.
    return (JSON, NPY) if operation == "encode" else (JSON, NPY, *written())


def detect(body: Body, content_type: str, accepted: Sequence[str]) -> MediaType:
    """Return the media type of a body, by its first bytes where the Content-Type does not say.

    Raises:
        MalformedBody: The body is empty.
        UnsupportedMediaType: It is none of those accepted.
    """
    if not body:
        raise MalformedBody(f"body: expected one of {_listed(accepted)}, received nothing")
    declared = CONTENT_TYPES[content_type]
    if declared.name in accepted:
        return declared
    received = content_type[:200]
    takes_pictures = PNG in accepted
    is_image = declared.name.startswith("image/") and takes_pictures
    if declared.name in UNKNOWN or is_image:
        found = _sniffed(body)
        if found in accepted and (found in PICTURES or not is_image):
            return MediaType(found, declared.boundary)
        if not is_image:
            what = found or named(bytes(body[:HEAD])) or "recognised as none of them"
            if CSV in accepted and not found and _may_be_csv(bytes(body[:HEAD])):
                what += f"; if it is CSV, expected its Content-Type, {CSV}"
            received = f"none, with a body that is {what}"
    head = bytes(body[:HEAD])
    if takes_pictures and named(head) and not recognised(head):
        return MediaType(PNG)  # whose reader says of which format it is, and that it is not read
    raise UnsupportedMediaType(
        f"Content-Type: expected one of {_listed(accepted)}, received {received}"
    )


def _may_be_csv(head: bytes) -> bool:
    """Return whether a body begins with a line of several names."""
    line, _, _ = head.partition(b"\n")
    return b"," in line and line.strip().decode("utf-8", "replace").isprintable()


def _listed(accepted: Sequence[str]) -> str:
    """Return media types for an error, without those whose library is not installed."""
    formats = ((each, BY_TYPE.get(each)) for each in accepted)
    return ", ".join(each for each, known in formats if not known or is_installed(known.name))


def choose(accept: str, offered: Sequence[str]) -> str:
    """Return the media type that an Accept header prefers (RFC 9110, section 12.5.1).

    Args:
        accept: The header, "" where there is none.
        offered: Media types, the best first, which decides among those that the client likes alike.

    Raises:
        NotAcceptable: The header refuses all of them.
    """
    ranges = [media_range(part) for part in accept.split(",") if part.strip()] or [("*/*", 1.0)]
    weights = dict(reversed(ranges))  # the first of several alike counts

    def quality(media_type: str) -> float:
        # The most specific range decides: a/b before a/* before */*.
        for candidate in (media_type, media_type.split("/", maxsplit=1)[0] + "/*", "*/*"):
            if candidate in weights:
                return weights[candidate]
        return 0.0

    best = max(offered, key=quality)
    if quality(best) <= 0:
        raise NotAcceptable(
            f"Accept: expected one of {', '.join(offered)}, received {accept[:200]}"
        )
    return best


@functools.cache
def preferred(offered: tuple[str, ...]) -> BoundedCache[str, str]:
    """Return what choose() does for what is offered, by Accept header."""
    return BoundedCache(functools.partial(choose, offered=offered))


@functools.cache
def responses(operation: OperationName, best: str, *, single: bool) -> BoundedCache[str, str]:
    """Return the media type of a response to an operation, by Accept header.

    Args:
        operation: Says what can be written.
        best: What to write where the client has no preference.
        single: Whether the batch has one item, so that a picture can hold it.
    """
    every = sorted(writable(operation), key=lambda each: each != best)
    offered = [each for each in every if single or each not in PICTURES]

    def response(accept: str) -> str:
        try:
            return choose(accept, offered)
        except NotAcceptable as error:
            if offered == every:
                raise
            raise NotAcceptable(f"{error}; a picture holds one image, not several") from error

    return BoundedCache(response)


def _content_type(header: str) -> MediaType:
    name, options = parse_options_header(header)
    return MediaType(ALIASES.get(name, name), options.get("boundary", ""))


CONTENT_TYPES: BoundedCache[str, MediaType] = BoundedCache(_content_type)
"""What Content-Type headers say, by header."""


def media_range(part: str) -> tuple[str, float]:
    """Return a range of an Accept header, and its weight; 0 where that is no number."""
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    name = ALIASES.get(name, name)
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return name, min(1.0, max(0.0, float(parameter[2:])))
            except ValueError:
                return name, 0.0
    return name, 1.0


def _sniffed(body: Body) -> str:
    head = bytes(body[:64])
    if head.startswith(b"\x93NUMPY"):
        return NPY
    if head.startswith(b"PAR1"):
        return PARQUET
    if head.startswith((b"PK\3\4", b"PK\5\6")):
        return ZIP
    text = head.removeprefix(codecs.BOM_UTF8).lstrip()  # JSON or not, decoding says what is wrong
    return JSON if text.startswith((b"{", b"[")) else recognised(head) or ""
