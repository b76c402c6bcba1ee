"""Takes from the quotas of callers, in a Redis that instances share or in this service alone."""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from typing import NamedTuple

from limits import RateLimitItemPerMinute
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from service.errors import StartupError
from service.quota.local import MEMORY, LocalStorage
from service.quota.shared import REDIS_SECONDS, SharedStorage
from service.quota.window import MINUTE, Window

AGAIN_SECONDS = 5.0
"""After which a store that has failed is tried again."""

log = logging.getLogger(__name__)


class Taken(NamedTuple):
    """What became of a request to take from a quota.

    Attributes:
        is_granted: Whether it was taken.
        left: What is left of the quota.
        wait: Seconds after which it may be there, 0 where it was taken.
    """

    is_granted: bool
    left: int
    wait: int


class _Store(NamedTuple):
    storage: LocalStorage | SharedStorage
    strategy: SlidingWindowCounterRateLimiter


class Limiter:
    """The quotas of all callers, per minute.

    Where the shared store fails, quotas go on in the one of this service; where that fails, too,
    everything is granted.

    Attributes:
        failed: Called each time a store fails.
    """

    def __init__(self, path: str, url: str | None, setting: str) -> None:
        """Open the stores.

        Args:
            path: Of the file that the workers of this service share, "" for one in memory.
            url: Of a Redis that instances share, None for none. It need not answer yet.
            setting: The name of the URL's setting, for the messages of errors.

        Raises:
            StartupError: The file cannot be opened, the package `redis` is missing, or the URL is
                none.
        """
        self.failed: Callable[[], None] = lambda: None
        self._setting = setting
        self._has_failed = False
        self._again = 0.0
        try:
            self._local = _store(LocalStorage(path or MEMORY))
        except sqlite3.Error as error:
            raise StartupError(
                f"quotas: expected {path} to be writable, received: {error}"
            ) from error
        self._shared: _Store | None = None
        self._errors: tuple[type[Exception], ...] = (OSError,)
        if url:
            shared = SharedStorage(url, setting)
            self._shared = _store(shared)
            self._errors += shared.errors

    async def take(self, policy: str, caller: str, limit: int, cost: int) -> Taken | None:
        """Take from a quota.

        Args:
            policy: What is counted.
            caller: Whose it is.
            limit: Most a minute.
            cost: How much to take, the limit at most.

        Returns:
            What became of it; None where nothing can be counted.
        """
        item = RateLimitItemPerMinute(limit, namespace=policy)
        if self._shared and time.monotonic() >= self._again:
            if self._has_failed:
                self._again = time.monotonic() + AGAIN_SECONDS  # others do not wait for it too
            try:
                async with asyncio.timeout(2 * REDIS_SECONDS):
                    taken = await _take(self._shared, item, caller, cost)
            except self._errors as error:
                self._note(error)
            else:
                if self._has_failed:
                    self._has_failed = False
                    log.info("%s: quotas are shared again", self._setting)
                return taken
        try:
            return await _take(self._local, item, caller, cost)
        except sqlite3.Error as error:
            self.failed()
            log.error("quotas: expected a file that can be written, received: %s", error)
            return None

    async def close(self) -> None:
        """Close the stores."""
        for store in (self._local, self._shared):
            if store:
                await store.storage.close()

    def _note(self, error: Exception) -> None:
        self.failed()
        self._again = time.monotonic() + AGAIN_SECONDS
        if not self._has_failed:
            self._has_failed = True
            log.error(
                "%s: expected a Redis that answers, received: %s; until it does, each instance "
                "counts its requests alone",
                self._setting,
                str(error) or type(error).__name__,
            )


def _store(storage: LocalStorage | SharedStorage) -> _Store:
    return _Store(storage, SlidingWindowCounterRateLimiter(storage))


async def _take(store: _Store, item: RateLimitItemPerMinute, caller: str, cost: int) -> Taken:
    is_granted = await store.strategy.hit(item, caller, cost=cost)
    counts = await store.storage.get_sliding_window(item.key_for(caller), MINUTE)
    window = Window(*counts)
    wait = 0 if is_granted else window.wait(item.amount, cost)
    return Taken(is_granted, window.left(item.amount), wait)
