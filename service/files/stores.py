"""The stores that objects are in: the library, and a client of each bucket."""

import functools
from datetime import timedelta
from types import ModuleType
from typing import TYPE_CHECKING, Any

from service.errors import StoreError
from service.files.urls import WEB

if TYPE_CHECKING:
    from obstore.store import ObjectStore, RetryConfig

RETRY: "RetryConfig" = {"max_retries": 8, "retry_timeout": timedelta(minutes=1)}
"""A store that is busy or away is asked again for a minute."""
SLOWEST = "10 minutes"
"""What a request may take: 150 MB at 2 Mbit/s. obstore ends one after 30 seconds by itself."""


def library() -> ModuleType:
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
def store_of(root: str) -> "ObjectStore":
    """Return the store of a bucket, with the credentials of the environment."""
    library()
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
