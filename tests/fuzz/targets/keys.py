"""API keys: the lines of a file, the headers that carry a key, origins of pages."""

import contextlib

from service.access.entry import Entry, entries_of
from service.access.origins import origins_of
from service.api.credentials import key_of
from service.errors import Unauthenticated
from tests.fuzz.target import Fault, Target
from tests.service.keys import made

SECRET = 24
"""Characters from which on a word may be a key."""


def run(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    try:
        entries = entries_of(text)
    except ValueError as error:
        entries = []
        told = str(error)
        if any(word in told for word in text.split() if len(word) >= SECRET):
            raise Fault("expected a message without the words of a file, received one") from error
    for entry in entries:
        check(entry)
    headers = [
        (name.lower(), value)
        for name, _, value in (line.partition(b":") for line in data.split(b"\n"))
    ]
    with contextlib.suppress(Unauthenticated):
        key_of(headers).encode("latin-1")
    with contextlib.suppress(ValueError):
        origins_of(text)


def check(entry: Entry) -> None:
    if entries_of(entry.line)[0].line != entry.line:
        raise Fault(f"expected the entry that is written, received {entry}")


def seeds() -> list[bytes]:
    line = made("a").line
    return [
        line.encode(),
        f"{line} expires=2027-01-31T00:00:00Z".encode(),
        f"# keys\n{line}; {line} # twice\n\n{made('b', 'metrics', 'control').line}".encode(),
        f"{line.split(' scopes')[0]} expires=2027-01-31".encode(),
        f"{line.split(' scopes')[0]} expires=0001-01-01T00:00:00+01:00".encode(),
        b"Authorization: Bearer autoencoder_abc\nX-API-Key: autoencoder_abc",
        b"authorization:basic x\nX-API-Key: \xff",
        b"https://app.example,http://[::1]:8080",
        b'["https://a.example", "*"]',
        b"*",
    ]


WORDS = (b"sha256:", b"scopes=infer,control", b"expires=", b"+23:59", b"Bearer ", b"X-API-Key:")
TARGET = Target(run, seeds, share=600, longest=512, words=WORDS)
