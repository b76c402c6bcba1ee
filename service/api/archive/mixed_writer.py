"""multipart/mixed (RFC 2046, section 5.1.3): a part for each photograph or error."""

import secrets
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from service.api.archive.container import Member
from service.api.archive.names import Names, safe
from service.api.media_types import MIXED
from service.api.problems import failed, problem
from service.api.request import Header, Part
from service.errors import ServiceError


class MixedWriter:
    """Writes photographs as parts of multipart/mixed."""

    def __init__(self) -> None:
        boundary = secrets.token_hex(16)
        self.media_type = f"{MIXED}; boundary={boundary}"
        self._boundary = b"--" + boundary.encode()
        self._names = Names(has_folders=False)

    def add(self, member: Member) -> tuple[str, Sequence[Part]]:
        name = self._names.take(member.source, member.media_type)
        length = sum(map(len, member.parts))
        headers = (
            *_described(member.media_type, "attachment", name, length),
            *member.headers,
        )
        return name, (self._head(headers), *member.parts, b"\r\n")

    def fail(self, source: str, error: ServiceError) -> Sequence[Part]:
        response = failed(problem, error)
        body = response.body
        name = "_".join(safe(source))
        headers = _described(body.media_type, "inline", name, len(body.content))
        return self._head((*headers, *response.headers)), body.content, b"\r\n"

    def end(self, _manifest: bytes) -> Sequence[Part]:
        return (self._boundary + b"--\r\n",)

    def _head(self, headers: Iterable[Header]) -> bytes:
        lines = (b"%s: %s" % each for each in headers)
        return b"\r\n".join((self._boundary, *lines, b"", b""))


def _described(media_type: str, kind: str, name: str, length: int) -> Sequence[Header]:
    """Return the headers of a part, its name as RFC 6266 (and 8187 beyond ASCII) has it."""
    # Never both: parsers of mail prefer the one in ASCII.
    encoded = f'filename="{name}"' if name.isascii() else f"filename*=UTF-8''{quote(name, safe='')}"
    disposition = f"{kind}; {encoded}"
    return (
        (b"Content-Type", media_type.encode()),
        (b"Content-Disposition", disposition.encode()),
        (b"Content-Length", b"%d" % length),
    )
