"""The API keys of a service: whose a key is, and keys that change while it runs."""

import asyncio
import hashlib
import hmac
import logging
import secrets
import stat
import sys
from pathlib import Path

from service.access.entry import Entry, digest_of, entries_of
from service.errors import StartupError

LONGEST = 256
"""Characters of a key: longer ones are unknown, and take no time."""
LOOK_SECONDS = 1.0
"""Between two looks at the file."""

log = logging.getLogger(__name__)


class Keyring:
    """The keys of a file, and those of a text, which stay."""

    def __init__(self, file: Path | None, text: str = "", *, names: tuple[str, str]) -> None:
        """Read the keys.

        Args:
            file: The file; None for none.
            text: Further entries.
            names: The names of the settings of file and text, for errors.

        Raises:
            StartupError: The file cannot be read, or an entry cannot.
        """
        self._file = file
        self._names = names
        self._content: bytes | None = None
        self._fault = ""  # why the file could not be read the last time
        # A key that was found once is found again by this hash, which nobody else can compute:
        # with 100 keys, comparing it with each takes as long as half of a small request.
        self._mark = secrets.token_bytes(32)
        self._found: dict[bytes, Entry] = {}
        self._entries: list[Entry] = []
        try:
            self._fixed = entries_of(text)
        except ValueError as error:
            raise StartupError(f"{names[1]}: {error}") from error
        self._use(self._read() if file else None)

    def find(self, key: str) -> Entry | None:
        """Return the entry of a key, expired or not, None for an unknown one.

        It is compared with every entry, and in constant time: how long it takes says neither which
        of them it matches nor how much of one.
        """
        if len(key) > LONGEST:
            return None
        sent = key.encode()
        mark = hashlib.blake2b(sent, key=self._mark, digest_size=16).digest()
        if mark in self._found:
            return self._found[mark]
        found = None
        for entry in self._entries:
            if hmac.compare_digest(digest_of(entry.salt, sent), entry.digest):
                found = entry
        if found:
            self._found[mark] = found
        return found

    async def follow(self) -> None:
        """Read the file again whenever it has changed, for ever."""
        while self._file:
            await asyncio.sleep(LOOK_SECONDS)
            await self.refresh()

    async def refresh(self) -> None:
        """Read the file again if it has changed; keep the keys, and log why, if that fails."""
        try:
            content = await asyncio.to_thread(self._read)
            if content != self._content:
                self._use(content)
                log.info("%s: %d API keys of %s", self._names[0], len(self._entries), self._owners)
        except StartupError as error:
            if str(error) != self._fault:
                log.error("the API keys stay as they were: %s", error)
            self._fault = str(error)
        else:
            self._fault = ""

    def is_stale(self) -> bool:
        """Return whether the file could not be read the last time, so that its old keys stay."""
        return bool(self._fault)

    @property
    def _owners(self) -> str:
        return ", ".join(sorted({each.name for each in self._entries})) or "nobody"

    def _read(self) -> bytes:
        assert self._file is not None
        try:
            return self._file.read_bytes()
        except OSError as error:
            raise StartupError(
                f"{self._names[0]}: expected a file that can be read, received {self._file}: "
                f"{error.strerror}"
            ) from error

    def _use(self, content: bytes | None) -> None:
        """Use what a file has, all of it or nothing."""
        entries = list(self._fixed)
        if content is not None:
            try:
                entries += entries_of(content.decode())
            except ValueError as error:  # also what is no UTF-8
                told = "expected UTF-8" if isinstance(error, UnicodeError) else error
                raise StartupError(f"{self._names[0]}: {self._file}: {told}") from error
            self._warn_of_others()
        if not entries:
            log.warning("%s, %s: expected a key, received none: nobody may come in", *self._names)
        self._content, self._entries, self._found = content, entries, {}

    def _warn_of_others(self) -> None:
        """Warn of a file to which others may add keys."""
        assert self._file is not None
        if sys.platform != "win32" and self._file.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            log.warning(
                "%s: expected a file that only its owner can write, received %s",
                self._names[0],
                self._file,
            )
