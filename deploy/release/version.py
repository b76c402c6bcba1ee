"""The version: which files name it, and how a new one is written into all of them.

Run as `python -m deploy.release.version 0.2.0`.
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

SOURCE = "service/__init__.py"
CHART = "deploy/helm/autoencoder-service"
NAMED = {
    SOURCE: r'^__version__ = "([^"]+)"$',
    "Dockerfile": r'image\.version="([^"]+)"',
    "docker-compose.yml": r"image: autoencoder-service:(\d+\.\d+\.\d+)",
    f"{CHART}/Chart.yaml": r"^appVersion: (\S+)$",
    f"{CHART}/values-gpu.yaml": r"^  tag: (\S+)-gpu$",
    f"{CHART}/values-openvino.yaml": r"^  tag: (\S+)-openvino$",
    "deploy/kserve/servingruntime.yaml": r"image: autoencoder-service:(\S+)$",
    "deploy/ray/rayservice.yaml": r"autoencoder-service:(\d+\.\d+\.\d+)-ray",
    "docs/kubernetes.md": r"(?:autoencoder-service:|tagged `)(\d+\.\d+\.\d+)",
    "docs/ray.md": r"autoencoder-service:(\d+\.\d+\.\d+)-ray",
}
"""Files that name the version of the service, and patterns of where. The first is its source."""


def named(root: Path) -> dict[str, set[str]]:
    """Return the versions that each file names.

    Args:
        root: The clone.
    """
    return {
        name: set(re.findall(pattern, (root / name).read_text(), re.MULTILINE))
        for name, pattern in NAMED.items()
    }


def source(folder: Path, tags: Sequence[str]) -> str:
    """Return the version of the package, which the tags of the commit agree with.

    Args:
        folder: The project's files.
        tags: The versions that the tags name: none for a rehearsal.

    Raises:
        ValueError: A tag names another version.
    """
    [found] = re.findall(NAMED[SOURCE], (folder / SOURCE).read_text(), re.MULTILINE)
    if others := [tag for tag in tags if tag != found]:
        raise ValueError(f"tag: expected v{found} as in {SOURCE}, received v{', v'.join(others)}")
    return str(found)


def write(root: Path, version: str) -> None:
    """Write a version into every file that names it; the changelog is written by hand.

    Args:
        root: The clone.
        version: The version, MAJOR.MINOR.PATCH (Semantic Versioning).

    Raises:
        ValueError: It is no such version.
    """
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise ValueError(f"version: expected MAJOR.MINOR.PATCH, received {version!r}")
    for name, pattern in NAMED.items():
        path = root / name
        text = path.read_text()
        for match in reversed(list(re.finditer(pattern, text, re.MULTILINE))):
            text = text[: match.start(1)] + version + text[match.end(1) :]
        path.write_text(text)


if __name__ == "__main__":
    try:
        write(Path.cwd(), " ".join(sys.argv[1:]))
    except ValueError as error:
        sys.exit(str(error))
