"""All files name the same version, and a new one is written into all of them."""

import re
import shutil
from pathlib import Path

import pytest

from deploy.release import changelog, version
from service import __version__


@pytest.mark.parametrize("name", version.NAMED)
def test_a_file_names_the_version_of_the_package(root: Path, name: str) -> None:
    assert version.named(root)[name] == {__version__}


def test_the_changelog_begins_with_the_version_of_the_package(root: Path) -> None:
    text = (root / "CHANGELOG.md").read_text()
    assert changelog.HEADING.findall(text)[0][0] == __version__
    assert changelog.section(text, __version__).notes.startswith("### ")


def test_no_other_file_of_what_is_deployed_names_a_version(root: Path) -> None:
    number = re.compile(rf"(?<![\d.=]){re.escape(__version__)}(?![\d.])")
    paths = [path for path in (root / "deploy").rglob("*") if path.suffix in {".md", ".yaml"}]
    paths += [root / "README.md", *(root / "docs").glob("*.md"), *(root / ".github").rglob("*.yml")]
    naming = {
        path.relative_to(root).as_posix() for path in paths if number.search(path.read_text())
    }
    measured, examples = "docs/performance.md", "docs/releases.md"
    assert naming <= {*version.NAMED, measured, examples}


def test_a_new_version_is_written_wherever_the_old_one_stood(root: Path, tmp_path: Path) -> None:
    for name in version.NAMED:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / name, tmp_path / name)
    version.write(tmp_path, "12.3.45")
    assert version.named(tmp_path) == {name: {"12.3.45"} for name in version.NAMED}
    chart = "deploy/helm/autoencoder-service/Chart.yaml"
    before, after = ((folder / chart).read_text() for folder in (root, tmp_path))
    assert after == before.replace(f"appVersion: {__version__}", "appVersion: 12.3.45")
    with pytest.raises(ValueError, match=r"expected MAJOR\.MINOR\.PATCH, received 'v1\.0'"):
        version.write(tmp_path, "v1.0")
