"""Takes from the quotas of callers, where they are counted together or, without that, alone."""

import logging
import sqlite3
import time
from collections.abc import Callable
from typing import Protocol

from service.errors import StartupError
from service.quota.memory_counts import MemoryCounts
from service.quota.sqlite_counts import SqliteCounts
from service.quota.window import Decision

RETRY_SECONDS = 5.0
"""After which counts that have failed are tried again."""

log = logging.getLogger(__name__)


class Counts(Protocol):
    """Counts of quotas.

    Attributes:
        errors: What it raises when it cannot count.
    """

    errors: tuple[type[Exception], ...]

    async def take(self, policy: str, caller: str, limit: int, cost: int, /) -> Decision:
        """Take from a quota, as RateLimiter.take() does."""
        ...

    async def close(self) -> None:
        """Close connections and files."""
        ...


class Outage:
    """Whether shared counts fail, and when they are tried again.

    Attributes:
        counts: The counts.
    """

    def __init__(self, counts: Counts, expected: str, alone: str) -> None:
        """Begin without one.

        Args:
            counts: The counts.
            expected: What does not work in an outage, for the log.
            alone: Who counts its requests alone then.
        """
        self.counts = counts
        self._texts = expected, alone
        self._is_on = False
        self._until = 0.0

    def is_over(self) -> bool:
        """Return whether to try the counts; during an outage, they are once in RETRY_SECONDS."""
        now = time.monotonic()
        if now < self._until:
            return False
        if self._is_on:
            self._until = now + RETRY_SECONDS  # others do not wait for it too
        return True

    def begin(self, error: Exception) -> None:
        """Note that the counts fail; the log has one line for each outage."""
        self._until = time.monotonic() + RETRY_SECONDS
        if not self._is_on:
            self._is_on = True
            log.error(
                "%s, received: %s; until it does, %s counts its requests alone",
                self._texts[0],
                str(error) or type(error).__name__,
                self._texts[1],
            )

    def end(self) -> None:
        """Note that the counts work."""
        self._until = 0.0
        if self._is_on:
            self._is_on = False
            log.info("%s, and it does again: quotas are shared", self._texts[0])


class RateLimiter:
    """The quotas of all callers, per minute.

    They are counted in a Redis that instances share; where it fails or there is none, in the file
    that the workers of this service share; where that fails or there is none, in this process.

    Attributes:
        failed: Called each time shared counts fail.
    """

    def __init__(self, path: str, url: str | None, setting: str) -> None:
        """Open the counts.

        Args:
            path: Of the file that the workers of this service share, "" for a single worker.
            url: Of a Redis that instances share, None for none. It need not answer yet.
            setting: The name of the URL's setting, for the messages of errors.

        Raises:
            StartupError: The file cannot be opened, the package `redis` is missing, or the URL is
                none.
        """
        self.failed: Callable[[], None] = lambda: None
        self._shared: list[Outage] = []
        self._own = MemoryCounts()
        if url:
            from service.quota.redis_counts import RedisCounts

            redis = RedisCounts(url, setting)
            answers = f"{setting}: expected a Redis that answers"
            self._shared.append(Outage(redis, answers, "each instance"))
        if path:
            try:
                file = SqliteCounts(path)
            except sqlite3.Error as error:
                raise StartupError(
                    f"quotas: expected {path} to be writable, received: {error}"
                ) from error
            writes = "quotas: expected the file of the workers to take what is written"
            self._shared.append(Outage(file, writes, "each worker"))

    async def take(self, policy: str, caller: str, limit: int, cost: int) -> Decision:
        """Take from a quota.

        Args:
            policy: What is counted.
            caller: Whose it is.
            limit: Most a minute.
            cost: How much to take, the limit at most.
        """
        for outage in self._shared:
            if outage.is_over():
                try:
                    decision = await outage.counts.take(policy, caller, limit, cost)
                except outage.counts.errors as error:
                    self.failed()
                    outage.begin(error)
                else:
                    outage.end()
                    return decision
        return await self._own.take(policy, caller, limit, cost)

    async def close(self) -> None:
        """Close the counts."""
        for outage in self._shared:
            await outage.counts.close()
        await self._own.close()
