"""Counts of quotas in SQLite: in memory, or in a file that the workers of one service share.

`limits` has a store in memory of its own, which looks at every key at each request: with 20,000
addresses a request takes 14 ms there, and 0.1 ms here. The windows are those of `limits`.
"""

import sqlite3
import time

from limits.aio.storage import MemoryStorage

MEMORY = ":memory:"
LOCK_SECONDS = 0.1
"""How long a worker waits for another one, each of which takes microseconds."""
TABLE = """
CREATE TABLE IF NOT EXISTS counts (key TEXT PRIMARY KEY, count INTEGER, expires REAL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS expiry ON counts (expires);
"""


class LocalStorage(MemoryStorage):
    """The sliding windows of `limits` over counts in SQLite."""

    STORAGE_SCHEME = ["async+autoencoder-local"]  # noqa: RUF012 - as the base class has it

    def __init__(self, path: str = MEMORY) -> None:
        """Open the counts.

        Args:
            path: The file, which is created where it is missing; MEMORY for none.

        Raises:
            sqlite3.Error: It cannot be opened.
        """
        super().__init__()
        self._counts = sqlite3.connect(path, timeout=LOCK_SECONDS, isolation_level=None)
        # What a process has written stays when it is killed. When the machine is, all goes.
        self._counts.execute("PRAGMA journal_mode = WAL")
        self._counts.execute("PRAGMA synchronous = OFF")
        self._counts.executescript(TABLE)

    async def get(self, key: str) -> int:
        counted = self._counts.execute(
            "SELECT count FROM counts WHERE key = ? AND expires > ?", (key, time.time())
        ).fetchone()
        return int(counted[0]) if counted else 0

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        now = time.time()
        self._counts.execute(
            "INSERT INTO counts VALUES (?, ?, ?) "
            "ON CONFLICT (key) DO UPDATE SET count = count + excluded.count",
            (key, amount, now + expiry),
        )
        count = await self.get(key)
        if count == amount:  # once for each window of a caller
            self._counts.execute("DELETE FROM counts WHERE expires <= ?", (now,))
        return count

    async def decr(self, key: str, amount: int = 1) -> int:
        self._counts.execute(
            "UPDATE counts SET count = max(count - ?, 0) WHERE key = ?", (amount, key)
        )
        return await self.get(key)

    async def clear(self, key: str) -> None:
        self._counts.execute("DELETE FROM counts WHERE key = ?", (key,))

    async def reset(self) -> int | None:
        return self._counts.execute("DELETE FROM counts").rowcount

    async def close(self) -> None:
        """Close the file."""
        self._counts.close()
