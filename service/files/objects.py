"""Objects in stores, named by URL, in the place of files: read, written whole, and listed."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import PurePosixPath
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from service.errors import InvalidValue, ServiceError, StoreError
from service.files.store_errors import explained

if TYPE_CHECKING:
    from obstore.store import ObjectStore, RetryConfig

BUCKETS = ("s3", "gs", "az")
"""Schemes of stores of buckets, which are read, written and listed."""
WEB = ("http", "https")
"""Schemes of single files on the web, which are read."""
PAGE = 1000
"""Objects of a page of a listing: S3 sends no more at a time."""
EXISTS = ("AlreadyExistsError", "PreconditionError")
UNCONDITIONAL = "NotSupportedError"
"""What obstore raises where a store has no conditional writes."""
RETRY: "RetryConfig" = {"max_retries": 8, "retry_timeout": timedelta(minutes=1)}
"""A store that is busy or away is asked again for a minute."""
SLOWEST = "10 minutes"
"""What a request may take: 150 MB at 2 Mbit/s. obstore ends one after 30 seconds by itself."""


class Exists(InvalidValue):
    """A file is there, where a new one was to be written."""


def is_url(text: str) -> bool:
    """Return whether a name is a URL: a scheme, then ://."""
    scheme, separator, _ = text.partition("://")
    return bool(separator) and scheme.isalnum()


@dataclass(frozen=True)
class Listed:
    """An object in a listing.

    Attributes:
        object: The object.
        size: Its bytes.
        tag: The store's tag of its content, "" if it has none.
    """

    object: "Object"
    size: int
    tag: str


@dataclass(frozen=True)
class Object:
    """An object of a bucket, or a file on the web; also the prefix of several, a "folder".

    Its names behave as those of pathlib do, so that plans treat both alike.

    Attributes:
        root: The URL of the bucket, "s3://bucket"; of a file on the web, all of its URL.
        key: The key in the bucket, "" for all of it and on the web.
    """

    root: str
    key: str

    @classmethod
    def parse(cls, url: str) -> "Object":
        """Return the object of a URL.

        Raises:
            InvalidValue: It has another scheme, no bucket, or parts that no store keeps apart.
        """
        scheme, _, rest = url.partition("://")
        if scheme in WEB:
            return cls(url, "")
        if scheme not in BUCKETS:
            expected = ", ".join(f"{each}://" for each in (*BUCKETS, *WEB))
            raise InvalidValue(f"expected a path or a URL of {expected}, received {url}")
        bucket, _, key = rest.partition("/")
        if not bucket:
            raise InvalidValue(f"expected {scheme}://BUCKET/KEY, received {url}")
        key = key.strip("/")
        if any(part in ("", ".", "..") for part in key.split("/") if key):
            raise InvalidValue(f"expected a key without empty parts, . and .., received {url}")
        return cls(f"{scheme}://{bucket}", key)

    @property
    def is_web(self) -> bool:
        """Whether it is a file on the web, which can only be read."""
        return self.root.partition(":")[0] in WEB

    @property
    def name(self) -> str:
        """The last part of the key, without which a bucket has none."""
        key = unquote(urlsplit(self.root).path) if self.is_web else self.key
        return key.rsplit("/", 1)[-1]

    @property
    def suffix(self) -> str:
        """The suffix of its name, with the dot."""
        return PurePosixPath(self.name).suffix

    @property
    def parent(self) -> "Object":
        """The folder that it is in."""
        return replace(self, key=self.key.rpartition("/")[0])

    def with_name(self, name: str) -> "Object":
        """Return the object of another name in the same folder."""
        return self.parent / name

    def __truediv__(self, below: str | PurePosixPath) -> "Object":
        return replace(self, key=f"{self.key}/{below}".strip("/"))

    def __str__(self) -> str:
        """Its URL, for errors: without the query, which may be a signature."""
        if self.is_web:
            return self.root.partition("?")[0]
        return f"{self.root}/{self.key}"

    def read_bytes(self) -> bytes:
        """Return its content.

        Raises:
            InvalidValue: It does not exist.
            StoreError: The store cannot be read.
        """
        with self._told("an object that can be read"):
            return bytes(_obstore().get(_store(self.root), self.key).bytes())

    def read_range(self, start: int, length: int) -> bytes:
        """Return some bytes of its content; raises as read_bytes() does."""
        with self._told("an object that can be read"):
            store = _store(self.root)
            return bytes(_obstore().get_range(store, self.key, start=start, length=length))

    def found(self) -> Listed | None:
        """Return what the store says of it, None if it does not exist. Raises StoreError."""
        try:
            with self._told("an object that can be looked up"):
                said = _obstore().head(_store(self.root), self.key)
        except InvalidValue:
            return None
        return Listed(self, said["size"], said["e_tag"] or "")

    def write_bytes(self, content: bytes, *, overwrite: bool) -> None:
        """Write it, all at once: a reader sees what was there before or all of it.

        Args:
            content: Its new content.
            overwrite: Whether what is there is replaced.

        Raises:
            Exists: It exists already, with another content.
            StoreError: The store cannot be written.
        """
        with self._told("an object that can be written"):
            put, store = _obstore().put, _store(self.root)
            try:
                put(store, self.key, content, mode="overwrite" if overwrite else "create")
            except Exception as error:
                kind = type(error).__name__
                if kind in EXISTS:
                    if self._holds(content):  # an answer was lost, and the store asked again
                        return
                    raise Exists(
                        f"expected to write {self}, received: an object that came there meanwhile"
                    ) from error
                if kind != UNCONDITIONAL or overwrite:
                    raise
                put(store, self.key, content)

    def _holds(self, content: bytes) -> bool:
        """Return whether this is its content."""
        found = self.found()
        return found is not None and found.size == len(content) and self.read_bytes() == content

    def unlink(self) -> None:
        """Delete it. Raises StoreError where the store cannot be written."""
        with self._told("an object that can be deleted"):
            _obstore().delete(_store(self.root), self.key)

    def below(self) -> Iterator[Listed]:
        """Return the objects below it, sorted by key, a page of the listing at a time.

        Raises:
            StoreError: The store cannot be listed, or has a key that is no path.
        """
        with self._told("a bucket that can be listed"):
            pages = iter(_obstore().list(_store(self.root), self.key or None, chunk_size=PAGE))
        while True:
            with self._told("a bucket that can be listed"):
                page = next(pages, None)
            if page is None:
                return
            for each in page:
                yield Listed(replace(self, key=each["path"]), each["size"], each["e_tag"] or "")

    @contextmanager
    def _told(self, expected: str) -> Iterator[None]:
        """Turn errors of the store into those of the service."""
        try:
            yield
        except ServiceError:
            raise
        except Exception as error:  # obstore raises OSError and ValueError beside its own
            raise explained(error, expected, self.root, str(self)) from error


def _obstore() -> ModuleType:
    """Return the library. Raises StoreError where it is missing."""
    try:
        import obstore
    except ImportError as error:
        raise StoreError(
            f"expected the extra [stores] to be installed, received: {error}; "
            "pip install --find-links dist 'autoencoder-service[stores]'"
        ) from error
    return obstore


@functools.cache
def _store(root: str) -> "ObjectStore":
    """Return the store of a bucket, with the credentials of the environment."""
    _obstore()
    from obstore import store

    scheme, _, bucket = root.partition("://")
    if scheme in WEB:
        return store.HTTPStore.from_url(
            root,
            client_options={"allow_http": scheme == "http", "timeout": SLOWEST},
            retry_config=RETRY,
        )
    limits: dict[str, Any] = {"timeout": SLOWEST}  # client_options would hide the environment's
    if scheme == "s3":
        return store.S3Store(bucket, retry_config=RETRY, **limits)
    if scheme == "gs":
        return store.GCSStore(bucket, retry_config=RETRY, **limits)
    return store.AzureStore(bucket, retry_config=RETRY, **limits)
