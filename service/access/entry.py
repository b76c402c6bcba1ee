"""API keys as they are stored: a line each, with a salted hash in place of the key.

NAME sha256:SALT:DIGEST [scopes=infer,control,metrics] [expires=2027-01-31T00:00:00Z]
    [requests-per-minute=600] [megapixels-per-minute=100] [weight=2]

A key has 256 random bits, so that nobody can try them out, whatever a trial costs: one SHA-256
suffices. NIST SP 800-63B, section 5.1.2.2, asks for a slow hash below 112 bits. The salt hides
which entries of several files hold the same key.
"""

import hashlib
import math
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from service.access.allowance import DEFAULT, WORDS, Allowance, allowance_of
from service.access.identity import INFER, SCOPES, ScopeName

PREFIX = "autoencoder_"
"""Of every new key: scanners that look for leaked secrets find it."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
HASH = re.compile(r"sha256:([0-9a-f]{32}):([0-9a-f]{64})")
FORM = (
    "NAME sha256:SALT:DIGEST [scopes=infer,control,metrics] [expires=TIME] "
    "[requests-per-minute=N] [megapixels-per-minute=N] [weight=N]"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A key of a name, which may have several.

    Attributes:
        name: Whose it is; logs and metrics show it.
        salt: 16 random bytes.
        digest: SHA-256 of salt and key.
        scopes: What it may do.
        expires: Seconds since the epoch from which on it is refused, infinity for never.
        allowance: What it may take.
    """

    name: str
    salt: bytes
    digest: bytes
    scopes: frozenset[ScopeName]
    expires: float = math.inf
    allowance: Allowance = DEFAULT

    @property
    def line(self) -> str:
        """How it is stored."""
        return f"{self.name} sha256:{self.salt.hex()}:{self.digest.hex()} {self.words}"

    @property
    def words(self) -> str:
        """What it may do, until when, and how much of it."""
        words = f"scopes={','.join(each for each in SCOPES if each in self.scopes)}"
        if self.expires != math.inf:
            words += f" expires={shown(self.expires)}"
        return words + self.allowance.words


def digest_of(salt: bytes, key: bytes) -> bytes:
    """Return the hash of a key."""
    return hashlib.sha256(salt + key).digest()


def create(
    name: str,
    scopes: frozenset[ScopeName],
    expires: float = math.inf,
    allowance: Allowance = DEFAULT,
) -> tuple[str, Entry]:
    """Return a new key, and what is stored of it.

    Args:
        name: Whose it is, as named() takes it.
        scopes: What it may do, at least one.
        expires: Seconds since the epoch.
        allowance: What it may take.
    """
    key = PREFIX + secrets.token_urlsafe(32)
    salt = secrets.token_bytes(16)
    return key, Entry(name, salt, digest_of(salt, key.encode()), scopes, expires, allowance)


def entries_of(text: str) -> list[Entry]:
    """Return the entries of a text: one a line, or separated by semicolons; # begins a comment.

    Raises:
        ValueError: One cannot be read. The message has nothing of it: it might be a key.
    """
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        for part in line.partition("#")[0].split(";"):
            if words := part.split():
                try:
                    found.append(_entry(words))
                except ValueError as error:
                    raise ValueError(f"line {number}: {error}") from None
    return found


def without(text: str, name: str, count: int) -> str:
    """Return a text without the first entries of a name; comments and other entries stay.

    Args:
        text: As entries_of() takes it.
        name: Whose entries go.
        count: How many of them.
    """
    kept = []
    for line in text.splitlines(keepends=True):
        entries, mark, comment = line.partition("#")
        parts = entries.split(";")
        rest = []
        for part in parts:
            if count and part.split()[:1] == [name]:
                count -= 1
            else:
                rest.append(part)
        if len(rest) == len(parts):
            kept.append(line)
        elif mark or any(part.strip() for part in rest):
            left = ";".join(rest).rstrip()
            gap = " " if left and mark else ""
            kept.append(f"{left}{gap}{mark}{comment}".rstrip() + "\n")
    return "".join(kept)


def named(name: str) -> str:
    """Return a name. Raises ValueError where none can be so."""
    if not NAME.fullmatch(name):
        raise ValueError(
            "name: expected 1 to 64 letters, digits, dots, dashes and underscores, "
            f"received {len(name)} characters"
        )
    return name


def scopes_of(text: str) -> frozenset[ScopeName]:
    """Return scopes that are separated by commas. Raises ValueError for others."""
    given = [each.strip() for each in text.split(",")]
    found = frozenset(each for each in SCOPES if each in given)
    if len(found) != len(set(given)):
        raise ValueError(f"scopes: expected some of {','.join(SCOPES)}, received others")
    return found


def shown(seconds: float) -> str:
    """Return a time as RFC 3339 writes it, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _entry(words: list[str]) -> Entry:
    name, *rest = words
    match = HASH.fullmatch(rest[0]) if rest else None
    if match is None:
        raise ValueError(f"expected {FORM}, received no hash")
    options = dict(each.partition("=")[::2] for each in rest[1:])
    if options.keys() - {"scopes", "expires", *WORDS} or len(options) != len(rest) - 1:
        raise ValueError(f"expected {FORM}, received another word, or one twice")
    return Entry(
        named(name),
        bytes.fromhex(match[1]),
        bytes.fromhex(match[2]),
        scopes_of(options.get("scopes", INFER)),
        _time(options["expires"]) if "expires" in options else math.inf,
        allowance_of(options),
    )


def _time(text: str) -> float:
    try:
        time = datetime.fromisoformat(text)
        seconds = (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
        shown(seconds)  # at the ends of the calendar, a time in UTC may be beyond them
    except (OverflowError, ValueError):
        raise ValueError("expires: expected a time of ISO 8601, received another") from None
    return seconds
