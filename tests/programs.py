"""Programs that tests run and no wheel brings: without one a test is skipped, or fails."""

import os
import shutil
from typing import NoReturn

import pytest

REQUIRED = "TEST_REQUIRES_PROGRAMS"
"""Where this variable is set, as in the workflow, tests without their programs fail."""
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin"
"""Where systems have programs, those of administrators too."""


def program(name: str) -> str:
    """Return the path of a program, which the test cannot do without."""
    found = shutil.which(name) or shutil.which(name, path=SYSTEM_PATH)
    return found or cannot_run(f"needs {name}")


def cannot_run(reason: str) -> NoReturn:
    """Skip the test, or fail where its programs are required."""
    if os.environ.get(REQUIRED):
        pytest.fail(reason)
    pytest.skip(reason)
