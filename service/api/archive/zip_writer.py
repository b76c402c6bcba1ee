"""A zip archive (APPNOTE.TXT 6.3.10) that is sent while it is written.

The photographs are stored: they are compressed already. Each is in memory as a whole before it is
sent, so that its header has its size: readers of streams, Java's among them, refuse stored entries
whose size follows in a data descriptor.
"""

import zipfile
from collections.abc import Sequence

from service.api.archive.container import Member
from service.api.archive.names import Names
from service.api.archive.source import Modified, now
from service.api.media_types import ZIP
from service.api.request import Part
from service.errors import ServiceError

MANIFEST = "manifest.json"
FILE = 0o644 << 16
"""The permissions of a Unix file, in an entry's external attributes."""


class ZipWriter:
    """Writes photographs into a zip archive, with a manifest as its last entry."""

    media_type = ZIP

    def __init__(self) -> None:
        self._output = _Output()
        self._archive = zipfile.ZipFile(self._output, "w")  # type: ignore[call-overload]
        self._names = Names(MANIFEST, has_folders=True)

    def add(self, member: Member) -> tuple[str, Sequence[Part]]:
        name = self._names.take(member.source, member.media_type)
        (content,) = member.parts if len(member.parts) == 1 else (b"".join(member.parts),)
        return name, self._written(name, content, member.modified)

    def fail(self, _source: str, _error: ServiceError) -> Sequence[Part]:
        """Return nothing: the manifest says it."""
        return ()

    def end(self, manifest: bytes) -> Sequence[Part]:
        last = self._written(MANIFEST, manifest, now())
        self._archive.close()
        return (*last, *self._output.taken())

    def _written(self, name: str, content: Part, modified: Modified) -> Sequence[Part]:
        info = zipfile.ZipInfo(name, modified)
        info.external_attr = FILE
        self._archive.writestr(info, content)
        return self._output.taken()


class _Output:
    """What zipfile writes to: pieces that are taken and sent.

    zipfile seeks back to the header of an entry once it knows its checksum, and writes it again:
    the first piece since the last were taken.
    """

    def __init__(self) -> None:
        self._pieces: list[Part] = []
        self._start = self._end = self._at = 0

    def taken(self) -> Sequence[Part]:
        """Return the pieces that are there, and go on without them."""
        pieces, self._pieces, self._start = self._pieces, [], self._end
        return pieces

    def write(self, piece: Part) -> int:
        if self._at == self._end:
            self._pieces.append(piece)
            self._end += len(piece)
        else:
            assert self._at == self._start
            assert len(piece) == len(self._pieces[0])
            self._pieces[0] = piece
        self._at += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int) -> int:
        self._at = offset
        return offset

    def flush(self) -> None:
        pass
