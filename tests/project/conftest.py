"""Fixtures of the tests of the project as a whole: its folder, and a running service."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shipped import serving


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return Path(__file__).parents[2]


@pytest.fixture(scope="session")
def address(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a service that the command line started in the project's folder."""
    with serving(root, tmp_path_factory.mktemp("service")) as url:
        yield url
