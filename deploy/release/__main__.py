"""Makes the files of a release in dist/release: `make release`.

They follow from the commit alone: whoever makes them again from it gets the same bytes.
"""

import hashlib
import platform
import shutil
import sys
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy.release import changelog, commit, distributions, sbom, version

TARGET = Path("dist", "release")
CHECKSUMS, NOTES = "SHA256SUMS", "release-notes.md"


def release(root: Path) -> str:
    """Make the files of a release from the commit that is checked out.

    Args:
        root: The clone.

    Returns:
        What was made, in lines.

    Raises:
        ValueError: The commit is not fit to be released.
    """
    found = commit.checked_out(root)
    target = root / TARGET
    shutil.rmtree(target, ignore_errors=True)
    with TemporaryDirectory() as folder:
        source, made = Path(folder, "source"), Path(folder, "made")
        made.mkdir()
        commit.export(root, found, source)
        number = version.source(source, found.tags)
        section = changelog.section((source / "CHANGELOG.md").read_text(), number)
        if found.tags and section.date is None:
            raise ValueError(f"CHANGELOG.md: expected a date for {number}, received unreleased")
        distributions.build(source, made, found.time)
        sbom.write(source, made, number, found.time)
        (made / NOTES).write_text(section.notes)
        sums = [
            f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}"
            for path in sorted(made.iterdir())
        ]
        (made / CHECKSUMS).write_text("".join(f"{line}\n" for line in sums))
        shutil.copytree(made, target)
    return "\n".join((*sums, *_remarks(number, found)))


def _remarks(number: str, found: commit.Commit) -> list[str]:
    """Return what whoever releases should know."""
    remarks = [f"Version {number} of commit {found.revision}, in {TARGET}", made_by()]
    if found.changes:
        remarks.append(f"Not in it: {found.changes} files that differ from the commit")
    if not found.tags:
        remarks.append(f"A rehearsal: the commit has no tag v{number}")
    return remarks


def made_by() -> str:
    """Return what the bytes of the wheel and the sdist depend on, beside the commit."""
    return f"Made by Python {platform.python_version()} and zlib {zlib.ZLIB_RUNTIME_VERSION}"


if __name__ == "__main__":
    try:
        print(release(Path.cwd()))
    except ValueError as error:
        sys.exit(str(error))
