"""Media types: Content-Type and the first bytes of a body, and what Accept prefers."""

from typing import get_args

from service.api.media_types import ARRAYS, JSON, detect, readable, responses, writable
from service.errors import MalformedBody, NotAcceptable, UnsupportedMediaType
from service.manifest import OperationName
from tests.fuzz.target import Fault, Target

OPERATIONS: tuple[OperationName, ...] = get_args(OperationName)


def run(data: bytes) -> None:
    """The first byte says which operation; the lines are Content-Type, Accept and the body."""
    operation = OPERATIONS[(data[:1] or b"\0")[0] % len(OPERATIONS)]
    content_type, accept, body = (*data[1:].split(b"\n", 2), b"", b"", b"")[:3]
    accepted, offered = readable(operation), writable(operation)
    try:
        found = detect(body, content_type.decode("latin-1"), accepted)
    except (MalformedBody, UnsupportedMediaType):
        found = None
    if found and found.name not in accepted:
        raise Fault(f"expected one of {accepted}, received {found}")
    for best, single in ((offered[0], True), (JSON, False)):
        try:
            chosen = responses(operation, best, single=single)[accept.decode("latin-1")]
        except NotAcceptable:
            continue
        if chosen not in offered or not (single or chosen in ARRAYS):
            raise Fault(f"expected one of {offered}, received {chosen}")


def seeds() -> list[bytes]:
    sent = (
        b"application/json; charset=utf-8\napplication/json\n{}",
        b"image/png\nimage/webp;q=0.8, image/*;q=0.1, */*;q=0\n\x89PNG\r\n\x1a\n",
        b"multipart/form-data; boundary=abc\n*/*\n--abc",
        b'multipart/form-data; boundary="a\\"b"; x*=utf-8\'\'y\ntext/html;q=nan\n--',
        b"application/x-www-form-urlencoded\n\nRIFF\0\0\0\0WEBPVP8 ",
        b"image/jpg\nimage/heif, application/x-npy;q=1e3\n\xff\xd8\xff",
        b"application/octet-stream\n,;q=,\n\x93NUMPY\1\0",
        b"\n\nPK\3\4",
        b"\n\n\0\0\0\x18ftypmif1\0\0\0\0heic",
        b"\n\n\xef\xbb\xbf<?xml version='1.0'?><svg/>",
    )
    return [bytes([number]) + each for number in range(len(OPERATIONS)) for each in sent]


WORDS = (b"application/json", b"image/png", b"image/*", b"*/*", b";q=0.5", b"boundary=", b"ftyp")
TARGET = Target(run, seeds, share=300, longest=512, words=WORDS)
