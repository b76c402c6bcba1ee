"""Counts of quotas in a file of SQLite that the workers of one service share."""

import asyncio
import contextlib
import sqlite3
from time import monotonic, sleep, time

from service.quota.window import MINUTE, Decision, Window

OPEN_SECONDS, LOCK_SECONDS = 10.0, 0.5
"""How long to wait for other workers: to open the file, and to count, which takes microseconds."""
PAUSE = 0.0005
"""Seconds between two attempts to count."""
EXPIRED = 64
"""Callers that are deleted at a time, so that nobody waits for it."""
MOST_CALLERS = 100_000
"""Policies of callers that each process adds: more push out those who have not come for longest."""
TABLE = """
CREATE TABLE IF NOT EXISTS counts (
    key TEXT PRIMARY KEY, window INTEGER, before INTEGER, current INTEGER, granted INTEGER,
    is_new INTEGER
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS windows ON counts (window);
"""
# One statement, so that nobody holds the lock while Python runs. Its window is that of the clock,
# or the next one where another worker has begun it already.
TAKE = """
INSERT INTO counts VALUES (:key, :window, 0, :cost, 1, 1)
ON CONFLICT (key) DO UPDATE SET (window, before, current, granted, is_new) = (
    SELECT at, b, c + :cost * g, g, 0 FROM (
        SELECT at, b, c, CAST(b * weight AS INTEGER) + c + :cost <= :limit AS g FROM (
            SELECT
                CASE window - :window WHEN 1 THEN window ELSE :window END AS at,
                CASE window - :window WHEN 1 THEN 1.0 ELSE :weight END AS weight,
                CASE window - :window
                    WHEN -1 THEN current WHEN 0 THEN before WHEN 1 THEN before ELSE 0 END AS b,
                CASE window - :window WHEN 0 THEN current WHEN 1 THEN current ELSE 0 END AS c
        )
    )
)
RETURNING before, current, granted, is_new
"""
DELETE = """
DELETE FROM counts WHERE key IN (
    SELECT key FROM counts WHERE window < ? ORDER BY window LIMIT ?
)
"""


class SqliteCounts:
    """Counts of sliding windows, a row for each policy of a caller.

    Attributes:
        errors: What it raises when it cannot count.
    """

    errors: tuple[type[Exception], ...] = (sqlite3.Error,)

    def __init__(self, path: str) -> None:
        """Open the counts.

        Args:
            path: The file, which is created where it is missing.

        Raises:
            sqlite3.Error: It cannot be opened.
        """
        self._file = sqlite3.connect(path, timeout=OPEN_SECONDS, isolation_level=None)
        self._rows = 0  # that this process has added, less those that it has deleted
        end = monotonic() + OPEN_SECONDS
        while True:  # SQLite itself does not wait for who changes the mode of the journal
            try:
                self._create()
            except sqlite3.OperationalError as error:
                if not _is_busy(error) or monotonic() > end:
                    raise
                sleep(PAUSE)
            else:
                return

    async def take(self, policy: str, caller: str, limit: int, cost: int) -> Decision:
        """Take from a quota, as RateLimiter.take() does.

        Raises:
            sqlite3.Error: The file cannot be written.
        """
        key = f"{policy}/{caller}"
        end = monotonic() + LOCK_SECONDS
        while True:
            now = time()
            passed = now % MINUTE
            values = {
                "key": key,
                "window": int(now // MINUTE),
                "weight": 1 - passed / MINUTE,
                "cost": cost,
                "limit": limit,
            }
            try:
                before, current, granted, is_new = self._file.execute(TAKE, values).fetchone()
                break
            except sqlite3.OperationalError as error:
                if not _is_busy(error) or monotonic() > end:
                    raise
            await asyncio.sleep(PAUSE)
        if is_new:
            self._rows += 1
            self._delete(int(now // MINUTE))
        window = Window(before, MINUTE - passed, current, 2 * MINUTE - passed)
        return window.decision(limit, cost, is_granted=bool(granted))

    async def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _create(self) -> None:
        # What a process has written stays when it is killed. When the machine is, all goes.
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = OFF")
        self._file.executescript(TABLE)
        self._file.execute("PRAGMA busy_timeout = 0")  # the event loop must not wait

    def _delete(self, window: int) -> None:
        """Delete some callers that have not come since the window before, or too many."""
        bound = window + 2 if self._rows > MOST_CALLERS else window - 1
        with contextlib.suppress(sqlite3.OperationalError):  # another worker counts: next time
            self._rows -= self._file.execute(DELETE, (bound, EXPIRED)).rowcount


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
