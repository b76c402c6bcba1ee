"""An object store of one's own that talks S3: SeaweedFS, with one bucket."""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
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


def program() -> str | None:
    """Return the path of SeaweedFS, None where it is not installed."""
    beside = Path(sys.executable).with_name("weed")
    return str(beside) if beside.exists() else shutil.which("weed")


@contextlib.contextmanager
def seaweed(server: str, folder: Path) -> Iterator[dict[str, str]]:
    """Run a store with an empty bucket.

    Args:
        server: The path of SeaweedFS.
        folder: Where it keeps its objects.

    Yields:
        The environment variables by which its bucket is found.

    Raises:
        RuntimeError: It does not start.
    """
    s3, *others = free_ports(9)
    names = "filer.port filer.port.grpc master.port master.port.grpc s3.port.grpc volume.port"
    names = f"{names} volume.port.grpc debug.port"
    words = [server, "mini", f"-dir={folder}", f"-s3.port={s3}", f"-bucket={BUCKET}"]
    words += [f"-{name}={port}" for name, port in zip(names.split(), others, strict=True)]
    words += ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-admin.ui=false", "-webdav=false"]
    environment = {
        **KEYS,
        URL: f"http://127.0.0.1:{s3}",
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
    }
    log = folder / "weed.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            words, cwd=folder, env=os.environ | KEYS, stdout=output, stderr=output
        ) as process,
    ):
        try:
            _wait(environment, process, log)
            yield environment
        finally:
            process.kill()  # nothing of it is to last


def client(environment: Mapping[str, str]) -> "S3Store":
    """Return the bucket that environment variables name."""
    from obstore.store import S3Store

    return S3Store(
        BUCKET,
        endpoint=environment[URL],
        access_key_id=environment["AWS_ACCESS_KEY_ID"],
        secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region=environment["AWS_REGION"],
        client_options={"allow_http": True},
        retry_config={"max_retries": 0},
    )


def _wait(environment: Mapping[str, str], process: "subprocess.Popen[bytes]", log: Path) -> None:
    import obstore

    store = client(environment)
    deadline = time.monotonic() + START
    while True:
        try:
            obstore.put(store, "ready", b"")
            obstore.delete(store, "ready")
        except Exception as error:
            if process.poll() is not None or time.monotonic() > deadline:
                received = log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"expected a store, received: {received}") from error
            time.sleep(0.05)
        else:
            return
