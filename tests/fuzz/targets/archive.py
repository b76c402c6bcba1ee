"""Zip archives: their directory, their files, and the names that are written in the response."""

import io
import zipfile

from service.api.archive.names import Names
from service.api.archive.zip_reader import sources
from service.errors import BodyTooLarge, InvalidValue, MalformedBody, UnsupportedMediaType
from service.images.formats import PNG
from tests.fuzz.target import Fault, Target

LARGEST = 1 << 16
"""Bytes of a file and of an archive."""
REFUSED = (BodyTooLarge, InvalidValue, MalformedBody, UnsupportedMediaType)


def run(data: bytes) -> None:
    try:
        found = sources(data, LARGEST)
    except REFUSED:
        return
    for has_folders in (False, True):
        names = Names("manifest.json", has_folders=has_folders)
        taken = [names.take(source.name, PNG) for source in found]
        if len({name.casefold() for name in taken}) < len(taken):
            raise Fault(f"expected each name once, received {taken}")
        for name in taken:
            name.encode()
            if name.startswith(("/", "-")) or ".." in name.split("/") or "\\" in name:
                raise Fault(f"expected a name within its folder, received {name!r}")
    for source in found:
        try:
            content = source.read()
        except REFUSED:
            continue
        if len(content) > LARGEST:
            raise Fault(f"expected at most {LARGEST} bytes, received {len(content)}")


def seeds() -> list[bytes]:
    stored = {
        "a.png": b"\x89PNG",
        "../../etc/passwd": b"",
        "C:\\con.txt": b"x" * 400,
        "日本/é.jpg": b"\xff\xd8",
        "__MACOSX/._a": b"",
        "A.PNG": b"",
    }
    archives = []
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", method) as archive:
            for name, content in stored.items():
                archive.writestr(name, content)
            archive.comment = b"comment"
        archives.append(stream.getvalue())
        small = io.BytesIO()
        with zipfile.ZipFile(small, "w", method) as archive:
            archive.writestr("a", b"aaaa")
        archives.append(small.getvalue())
    return archives


WORDS = (b"PK\1\2", b"PK\3\4", b"PK\5\6", b"PK\6\6", b"PK\6\7", b"../", b"\\", b"up\x09\0")
TARGET = Target(run, seeds, share=150, words=WORDS)
