"""Blobs in Redis: values of a mebibyte, which Redis forgets after a time."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from service.jobs.blobs import CHUNK

if TYPE_CHECKING:
    from huey.storage import RedisExpireStorage


class Chunks:
    """Blobs in a Redis that several instances share."""

    def __init__(self, storage: "RedisExpireStorage") -> None:
        """Keep blobs as values of a storage, which says how long."""
        self._storage = storage

    def writer(self, name: str) -> "ChunkWriter":
        return ChunkWriter(self._storage, name)

    def exists(self, name: str) -> bool:
        return bool(self._storage.has_data_for_key(name))

    def chunks(self, name: str) -> Iterator[bytes]:
        for index in range(self._count(name)):
            piece = self._storage.peek_data(_key(name, index))
            if not isinstance(piece, bytes):
                raise FileNotFoundError(f"{name}: expected all of its chunks, received {index}")
            yield piece

    def delete(self, name: str) -> None:
        count = self._count(name)
        self._storage.delete_data(name)
        for index in range(count):
            self._storage.delete_data(_key(name, index))

    def stale(self, _seconds: float) -> Iterator[str]:
        """Yield nothing: Redis forgets by itself."""
        yield from ()

    def _count(self, name: str) -> int:
        count = self._storage.peek_data(name)
        return int(count) if isinstance(count, bytes) else 0


class ChunkWriter:
    """A blob that is being written; its name appears last."""

    def __init__(self, storage: "RedisExpireStorage", name: str) -> None:
        self._storage = storage
        self._name = name
        self._piece = bytearray()
        self._count = 0

    def write(self, piece: bytes | memoryview) -> None:
        rest = memoryview(piece).cast("B")
        while rest:
            room = CHUNK - len(self._piece)
            self._piece += rest[:room]
            rest = rest[room:]
            if len(self._piece) == CHUNK:
                self._flush()

    def commit(self) -> None:
        if self._piece:
            self._flush()
        self._put(self._name, b"%d" % self._count)
        self._count = 0  # nothing is left to abort

    def abort(self) -> None:
        for index in range(self._count):
            self._storage.delete_data(_key(self._name, index))
        self._count = 0

    def _flush(self) -> None:
        self._put(_key(self._name, self._count), bytes(self._piece))
        self._count += 1
        self._piece.clear()

    def _put(self, key: str, value: bytes) -> None:
        self._storage.put_data(key, value, is_result=True)


def _key(name: str, index: int) -> str:
    return f"{name}/{index}"
