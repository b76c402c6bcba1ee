"""What is released: the files of a commit, whatever else lies in the working tree."""

import io
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Commit:
    """A commit that is checked out.

    Attributes:
        revision: Its full hash.
        time: When it was committed, in seconds since 1970.
        tags: Its tags that name a version, without the "v".
        changes: How many files of the working tree differ from it.
    """

    revision: str
    time: int
    tags: tuple[str, ...]
    changes: int


def _git(root: Path, *arguments: str) -> bytes:
    ran = subprocess.run(["git", *arguments], cwd=root, check=False, capture_output=True)
    if ran.returncode:
        raise ValueError(f"expected a clone with a commit, received: {ran.stderr.decode().strip()}")
    return ran.stdout


def checked_out(root: Path) -> Commit:
    """Return the commit that is checked out in a clone.

    Args:
        root: The clone.

    Raises:
        ValueError: The folder is no clone, or has no commit.
    """
    revision, time = _git(root, "log", "-1", "--format=%H %ct").decode().split()
    tags = _git(root, "tag", "--points-at", "HEAD", "--list", "v[0-9]*").decode().split()
    changes = _git(root, "status", "--porcelain").decode().splitlines()
    return Commit(revision, int(time), tuple(tag.removeprefix("v") for tag in tags), len(changes))


def export(root: Path, commit: Commit, folder: Path) -> None:
    """Write the files of a commit into an empty folder, without those of the working tree.

    Args:
        root: The clone.
        commit: One of its commits.
        folder: Where the files go.
    """
    archive = _git(root, "archive", "--format=tar", commit.revision)
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
