"""Where jobs are stored: SQLite and files in a folder, or a Redis that several instances share.

Both are storages of huey, a task queue: a queue, whose items each leave once, and values by key,
one of which can be set by the first alone. Its consumer is not used: it runs functions in threads
or processes of its own, and an item that it has taken is lost if its process is killed.
"""

import contextlib
import errno
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from service.errors import InsufficientStorage, JobsUnavailable, StartupError
from service.jobs.blobs import Blobs
from service.jobs.chunks import Chunks
from service.jobs.files import FILE_MODE, Files
from service.jobs.lock import FolderLock

if TYPE_CHECKING:
    from huey.storage import BaseStorage

NAME = "autoencoder-jobs"
DATABASE, LOCK = "jobs.db", "jobs.lock"
BUSY_SECONDS = 10.0
"""How long SQLite waits for another process."""
REDIS_SECONDS = 5.0
"""How long Redis may take for an answer."""
LEAST_KEPT = 7 * 24 * 3600
"""Seconds that Redis keeps a body at least: jobs that wait longer are lost."""


@dataclass(frozen=True)
class Backend:
    """What stores jobs.

    Attributes:
        storage: The queue, and values by key.
        bodies: Bodies of requests.
        results: Bodies of responses.
        errors: What its library raises where it cannot be reached, or has no room.
        is_full: Says whether one of these means that it has no room.
        lock: Says whether other processes use it; None where that cannot be told.
    """

    storage: "BaseStorage"
    bodies: Blobs
    results: Blobs
    errors: tuple[type[Exception], ...]
    is_full: Callable[[Exception], bool]
    lock: FolderLock | None = None

    def close(self) -> None:
        """Let go of it."""
        self.storage.close()
        if self.lock:
            self.lock.close()

    @contextlib.contextmanager
    def reached(self) -> Iterator[None]:
        """Turn what its library raises into errors of the service.

        Raises:
            InsufficientStorage: There is no room on the disk, or in Redis.
            JobsUnavailable: It cannot be reached, read or written.
        """
        try:
            yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise InsufficientStorage(
                    f"jobs: expected room to store one more, received: {error.strerror}"
                ) from error
            raise JobsUnavailable(f"jobs: expected their store, received: {error}") from error
        except self.errors as error:
            if self.is_full(error):
                raise InsufficientStorage(
                    f"jobs: expected room to store one more, received: {error}"
                ) from error
            raise JobsUnavailable(f"jobs: expected their store, received: {error}") from error


def open_folder(folder: Path) -> Backend:
    """Return the store in a folder, which is created where it is missing. Raises OSError."""
    from huey.storage import SqliteStorage

    files = Files(folder)
    (folder / DATABASE).touch(FILE_MODE)  # SQLite's other files have the same permissions
    try:
        storage = SqliteStorage(
            NAME, str(folder / DATABASE), timeout=BUSY_SECONDS, strict_fifo=True, fsync=True
        )
    except sqlite3.Error as error:
        raise OSError(errno.EIO, str(error), str(folder / DATABASE)) from error
    lock = FolderLock(folder / LOCK)
    return Backend(storage, files, files, (sqlite3.Error,), _is_disk_full, lock)


def _is_disk_full(error: Exception) -> bool:
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL


def open_redis(url: str, keep_seconds: float, setting: str) -> Backend:
    """Return the store in a Redis.

    Args:
        url: As redis-py takes it: redis://, rediss:// or unix://.
        keep_seconds: How long results are kept.
        setting: The name of the setting of the URL, for the messages of errors.

    Raises:
        StartupError: The package `redis` is missing, or the server cannot be reached.
    """
    try:
        from redis import ConnectionPool
        from redis.backoff import NoBackoff
        from redis.exceptions import OutOfMemoryError, RedisError
        from redis.retry import Retry
    except ImportError as error:
        raise StartupError(
            f"{setting}: expected the extra [redis] to be installed, received: {error}; "
            "install redis, or keep jobs in a folder"
        ) from error
    from huey.storage import PriorityRedisStorage, RedisExpireStorage

    try:
        pool = ConnectionPool.from_url(
            url,
            socket_timeout=REDIS_SECONDS,
            socket_connect_timeout=REDIS_SECONDS,
            # A command whose answer is lost may have been carried out: sent again, one that takes
            # an item takes another, and one that only the first can carry out finds itself.
            retry=Retry(NoBackoff(), 0),
        )
        storage = PriorityRedisStorage(NAME, blocking=False, connection_pool=pool)
        storage.conn.ping()
    except (RedisError, ValueError, OSError) as error:
        raise StartupError(
            f"{setting}: expected a Redis that answers, received: {error}"
        ) from error
    kept = int(keep_seconds) + 3600  # the sweep, which also drops what is known of it, comes first
    stored = max(LEAST_KEPT, kept)
    bodies = RedisExpireStorage(f"{NAME}-bodies", stored, connection_pool=pool)
    results = RedisExpireStorage(f"{NAME}-results", kept, connection_pool=pool)
    return Backend(
        storage,
        Chunks(bodies),
        Chunks(results),
        errors=(RedisError,),
        is_full=lambda error: isinstance(error, OutOfMemoryError),
    )
