"""All files name the same version."""

import re
from pathlib import Path

import pytest

from service import __version__

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["Dockerfile", "docker-compose.yml", "CHANGELOG.md"])
def test_a_file_names_the_version_of_the_package(name: str) -> None:
    patterns = {
        "Dockerfile": r'image\.version="([^"]+)"',
        "docker-compose.yml": r"image: autoencoder-service:([\d.]+)",
        "CHANGELOG.md": r"^## \[([^\]]+)\]",
    }
    found = re.findall(patterns[name], (ROOT / name).read_text(), re.MULTILINE)
    assert found
    assert found[0] == __version__
    if name != "CHANGELOG.md":
        assert set(found) == {__version__}
