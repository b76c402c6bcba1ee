"""What all tests have in common: nothing is written into the home of whoever runs them."""

import os
import signal
from collections.abc import Iterator

import pytest

from tests.proxies.chosen import chosen
from tests.proxies.direct import DIRECT

# Before any test imports ONNX Runtime, which reports its use otherwise.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


# A shell lets what it starts in the background ignore SIGINT, and so would the programs that tests
# start and stop; those that a program handles are handed on as they are by default.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def _no_jobs_unless_asked_for() -> Iterator[None]:
    """Let a service that names no folder of jobs have none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SERVICE_JOBS_DIR", "")
        yield


def pytest_configure(config: pytest.Config) -> None:
    """Let files of services that are served in the process of the tests be closed in any order."""
    if chosen():
        config.addinivalue_line("filterwarnings", "ignore::pytest.PytestUnraisableExceptionWarning")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what does not pass through a proxy, where tests ask through one."""
    if chosen() is None:
        return
    left = [each for each in items if getattr(each, "originalname", each.name) in DIRECT]
    items[:] = [each for each in items if each not in left]
    config.hook.pytest_deselected(items=left)
