"""Counts of quotas in a Redis that instances share."""

import asyncio

from limits.aio.storage import RedisStorage
from limits.errors import ConfigurationError

from service.errors import StartupError
from service.quota.window import MINUTE, Decision, Window

PREFIX = "autoencoder-quota"
"""Of the keys."""
CONNECTIONS = 16
"""Of each process, at most."""
REDIS_SECONDS = 1.0
"""How long a request waits for a connection, and for an answer."""


class RedisCounts(RedisStorage):
    """The sliding windows of `limits` in a Redis.

    Attributes:
        errors: What it raises when the Redis does not answer.
    """

    STORAGE_SCHEME = ["async+autoencoder-redis"]  # noqa: RUF012 - as the base class has it

    def __init__(self, url: str, setting: str) -> None:
        """Prepare the connection.

        Args:
            url: As redis-py takes it: redis://, rediss:// or unix://.
            setting: The name of the setting of the URL, for the messages of errors.

        Raises:
            StartupError: The package `redis` is missing, or the URL is none.
        """
        try:
            from redis.asyncio import BlockingConnectionPool
            from redis.asyncio.retry import Retry
            from redis.backoff import NoBackoff
            from redis.exceptions import RedisError
        except ImportError as error:
            raise StartupError(
                f"{setting}: expected the extra [redis] to be installed, received: {error}; "
                "install redis, or set no URL"
            ) from error
        self.errors: tuple[type[Exception], ...] = (OSError, RedisError)
        try:
            self._pool = BlockingConnectionPool.from_url(
                url,
                max_connections=CONNECTIONS,
                timeout=REDIS_SECONDS,
                socket_timeout=REDIS_SECONDS,
                socket_connect_timeout=REDIS_SECONDS,
                retry=Retry(NoBackoff(), 1),  # a connection may have been closed meanwhile
            )
            super().__init__(
                "redis://",  # the pool has the URL
                implementation="redispy",
                key_prefix=PREFIX,
                connection_pool=self._pool,  # type: ignore[arg-type] # as it documents
            )
        except (ConfigurationError, ValueError) as error:
            raise StartupError(
                f"{setting}: expected the URL of a Redis, received: {error}"
            ) from error

    async def take(self, policy: str, caller: str, limit: int, cost: int) -> Decision:
        """Take from a quota, as RateLimiter.take() does. Raises `errors`.

        The limit is no part of the keys: those of an API key's name count together, whatever each
        of them may take.
        """
        key = f"{policy}/{caller}"
        async with asyncio.timeout(2 * REDIS_SECONDS):
            is_granted = await self.acquire_sliding_window_entry(key, limit, MINUTE, cost)
            window = Window(*await self.get_sliding_window(key, MINUTE))
        return window.decision(limit, cost, is_granted=is_granted)

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.disconnect()
