"""All files name the same version."""

import re
from pathlib import Path

import pytest

from service import __version__

ROOT = Path(__file__).parents[2]


CHART = "deploy/helm/autoencoder-service"
PATTERNS = {
    "Dockerfile": r'image\.version="([^"]+)"',
    "docker-compose.yml": r"image: autoencoder-service:([\d.]+)",
    "CHANGELOG.md": r"^## \[([^\]]+)\]",
    f"{CHART}/Chart.yaml": r"^appVersion: (\S+)$",
    f"{CHART}/values-gpu.yaml": r"^  tag: (\S+)-gpu$",
    f"{CHART}/values-openvino.yaml": r"^  tag: (\S+)-openvino$",
    "deploy/kserve/servingruntime.yaml": r"image: autoencoder-service:(\S+)$",
}


@pytest.mark.parametrize("name", PATTERNS)
def test_a_file_names_the_version_of_the_package(name: str) -> None:
    found = re.findall(PATTERNS[name], (ROOT / name).read_text(), re.MULTILINE)
    assert found
    assert found[0] == __version__
    if name != "CHANGELOG.md":
        assert set(found) == {__version__}
