"""Objects in stores, named by URL, in the place of files: read, written whole, and listed."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from service.errors import InvalidValue, ServiceError
from service.files.errors import Exists
from service.files.store_errors import translate
from service.files.stores import library, store_of
from service.files.urls import BUCKETS, WEB, public

PAGE = 1000
"""Objects of a page of a listing: S3 sends no more at a time."""
BUCKET = re.compile(r"[\w.$-]+", re.ASCII)
"""Names of buckets and containers, $web among these: another one makes obstore panic."""
EXISTS = ("AlreadyExistsError", "PreconditionError")
UNCONDITIONAL = ("NotImplementedError", "NotSupportedError")
"""What obstore raises where a store has no conditional writes."""


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
            InvalidValue: It has another scheme, no host or bucket, or parts that no store keeps
                apart.
        """
        scheme, _, rest = url.partition("://")
        if scheme in WEB:
            if not _has_host(url):
                raise InvalidValue(f"expected {scheme}://HOST/PATH, received {public(url)}")
            return cls(url, "")
        if scheme not in BUCKETS:
            expected = ", ".join(f"{each}://" for each in (*BUCKETS, *WEB))
            raise InvalidValue(f"expected a path or a URL of {expected}, received {public(url)}")
        bucket, _, key = rest.partition("/")
        if not bucket:
            raise InvalidValue(f"expected {scheme}://BUCKET/KEY, received {public(url)}")
        if "@" in bucket:
            raise InvalidValue(
                f"expected {scheme}://BUCKET/KEY, and credentials in the environment alone, "
                f"received some before {public(url)}"
            )
        if not BUCKET.fullmatch(bucket):
            raise InvalidValue(
                "expected a bucket's name of ASCII letters, digits, ., -, _ and $, received "
                f"{public(url)}"
            )
        key = key.strip("/")
        if any(part in ("", ".", "..") for part in key.split("/") if key):
            raise InvalidValue(
                f"expected a key without empty parts, . and .., received {public(url)}"
            )
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
        """Its URL for people, of a file on the web without what may be secret."""
        if self.is_web:
            return public(self.root)
        return f"{self.root}/{self.key}"

    def read_bytes(self) -> bytes:
        """Return its content.

        Raises:
            InvalidValue: It does not exist.
            StoreError: The store cannot be read.
        """
        with self._translated("an object that can be read"):
            return bytes(library().get(store_of(self.root), self.key).bytes())

    def read_range(self, start: int, length: int) -> bytes:
        """Return some bytes of its content; raises as read_bytes() does."""
        with self._translated("an object that can be read"):
            store = store_of(self.root)
            return bytes(library().get_range(store, self.key, start=start, length=length))

    def found(self) -> Listed | None:
        """Return what the store says of it, None if it does not exist. Raises StoreError.

        A file on the web is asked for by a GET whose body is left: a signed URL is for no HEAD.
        """
        try:
            with self._translated("an object that can be looked up"):
                store = store_of(self.root)
                if self.is_web:
                    said = library().get(store, self.key).meta
                else:
                    said = library().head(store, self.key)
        except InvalidValue:
            return None
        return Listed(self, said["size"], said["e_tag"] or "")

    def write_bytes(self, content: bytes, *, overwrite: bool) -> None:
        """Write it, all at once: a reader sees what was there before or all of it.

        A store without conditional writes is asked first whether it exists: then one that comes
        between the answer and the write is replaced.

        Args:
            content: Its new content.
            overwrite: Whether what is there is replaced.

        Raises:
            Exists: It exists already, with another content.
            StoreError: The store cannot be written.
        """
        with self._translated("an object that can be written"):
            put, store = library().put, store_of(self.root)
            try:
                put(store, self.key, content, mode="overwrite" if overwrite else "create")
            except Exception as error:
                kind = type(error).__name__
                if kind in EXISTS:
                    if self._holds(content):  # an answer was lost, and the store asked again
                        return
                    raise self._came_meanwhile() from error
                if kind not in UNCONDITIONAL or overwrite:
                    raise
                if self.found() is None:
                    put(store, self.key, content)
                elif not self._holds(content):
                    raise self._came_meanwhile() from error

    def _came_meanwhile(self) -> Exists:
        return Exists(f"expected to write {self}, received: an object that came there meanwhile")

    def _holds(self, content: bytes) -> bool:
        """Return whether this is its content."""
        found = self.found()
        return found is not None and found.size == len(content) and self.read_bytes() == content

    def unlink(self) -> None:
        """Delete it. Raises StoreError where the store cannot be written."""
        with self._translated("an object that can be deleted"):
            library().delete(store_of(self.root), self.key)

    def below(self) -> Iterator[Listed]:
        """Return the objects below it, sorted by key, a page of the listing at a time.

        Raises:
            StoreError: The store cannot be listed, or has a key that is no path.
        """
        with self._translated("a bucket that can be listed"):
            pages = iter(library().list(store_of(self.root), self.key or None, chunk_size=PAGE))
        while True:
            with self._translated("a bucket that can be listed"):
                page = next(pages, None)
            if page is None:
                return
            for each in page:
                yield Listed(replace(self, key=each["path"]), each["size"], each["e_tag"] or "")

    @contextmanager
    def _translated(self, expected: str) -> Iterator[None]:
        """Turn errors of the store into those of the service."""
        try:
            yield
        except ServiceError:
            raise
        except Exception as error:  # obstore raises OSError and ValueError beside its own
            raise translate(error, expected, public(self.root), str(self)) from error


def _has_host(url: str) -> bool:
    """Return whether a URL of the web has a host, and a port that can be one."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
