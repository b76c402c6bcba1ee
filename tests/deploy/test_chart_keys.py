"""API keys in a Secret: the service reads what Kubernetes puts in place of it."""

from pathlib import Path

from service.access.keyring import Keyring
from tests.service.keys import Made, lines, made


def _replace(folder: Path, version: str, *keys: Made) -> None:
    """Replace what a mounted Secret has, as kubelet does: by a link to a new folder."""
    (folder / version).mkdir(parents=True)
    (folder / version / "keys").write_text(lines(*keys))
    (folder / version / "keys").chmod(0o440)
    (folder / "..data_tmp").symlink_to(version)
    (folder / "..data_tmp").rename(folder / "..data")
    if not (folder / "keys").is_symlink():
        (folder / "keys").symlink_to("..data/keys")


async def test_keys_are_those_of_the_secret_as_it_is_now(tmp_path: Path) -> None:
    old, new = made("web"), made("web")
    _replace(tmp_path, "..1", old)
    ring = Keyring(tmp_path / "keys", names=("file", "text"))
    assert ring.find(old.key)
    assert not ring.find(new.key)
    _replace(tmp_path, "..2", new)
    await ring.refresh()
    assert ring.find(new.key)
    assert not ring.find(old.key)
