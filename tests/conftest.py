"""What all tests have in common: nothing is written into the home of whoever runs them."""

import os
from collections.abc import Iterator

import pytest

# Before any test imports ONNX Runtime, which reports its use otherwise.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


@pytest.fixture(autouse=True, scope="session")
def _no_jobs_unless_asked_for() -> Iterator[None]:
    """Let a service that names no folder of jobs have none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SERVICE_JOBS_DIR", "")
        yield
