"""Files are written whole, flushed to the disk, and never over one that came meanwhile."""

import errno
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from service.files import location
from service.files.errors import Exists


def test_a_file_that_comes_in_the_last_moment_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "a.png"
    lexists = os.path.lexists

    def looked_up(path: Any) -> bool:
        found = lexists(path)
        if Path(path) == target:  # another process writes it after this one has looked
            target.write_bytes(b"foe")
        return found

    monkeypatch.setattr(os.path, "lexists", looked_up)
    with pytest.raises(Exists, match="a file that came there meanwhile"):
        location.write(b"own", target, overwrite=False)
    assert target.read_bytes() == b"foe"
    location.write(b"foe", target, overwrite=False)  # a process that does the same
    location.write(b"own", target, overwrite=True)
    assert target.read_bytes() == b"own"
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_file_system_without_hard_links_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(*_: Any, **__: Any) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", link)
    location.write(b"own", tmp_path / "a.png", overwrite=False)
    with pytest.raises(Exists):
        location.write(b"foe", tmp_path / "a.png", overwrite=False)
    assert (tmp_path / "a.png").read_bytes() == b"own"


@pytest.mark.skipif(sys.platform == "win32", reason="flushes no folders")
@pytest.mark.parametrize("overwrite", [False, True])
def test_content_is_on_the_disk_before_its_name_and_the_name_before_write_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overwrite: bool
) -> None:
    target = tmp_path / "new" / "folder" / "a.png"
    flushed: list[Path] = []
    fsync = os.fsync

    def followed(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        assert target.exists() == path.is_dir()  # the file's content alone before its name
        flushed.append(path)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", followed)
    location.write(b"own", target, overwrite=overwrite)
    content, *folders = flushed
    assert content.parent == target.parent
    assert content.suffix == ".part"
    assert set(folders) == {target.parent, target.parent.parent, tmp_path}
