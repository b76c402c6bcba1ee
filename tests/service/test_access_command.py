"""python -m service keys new: the key is printed once, its hash appended with care."""

import math
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from service.access import key_file
from service.access.allowance import Allowance
from service.access.entry import create, entries_of
from service.access.identity import SCOPES
from service.access.keyring import Keyring
from service.cli import main
from service.errors import OutputError
from tests.service.running import ROOT


def new(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert main(["keys", "new", *arguments]) == 0
    return capsys.readouterr().out.splitlines()


def keyring(file: Path) -> Keyring:
    return Keyring(file, names=("file", "text"))


def test_a_key_is_printed_and_its_hash_is_appended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "keys"
    (first,) = new(capsys, "web", "--file", str(file))
    scopes = "infer,control,metrics"
    (second,) = new(capsys, "ops", "--scopes", scopes, "--days", "30", "--file", str(file))
    quotas = ["--requests-per-minute", "60", "--megapixels-per-minute", "0", "--weight", "2"]
    (third,) = new(capsys, "shop", *quotas, "--file", str(file))
    assert first not in file.read_text()
    keys = keyring(file)
    web, ops, shop = keys.find(first), keys.find(second), keys.find(third)
    assert shop
    assert shop.allowance == Allowance(60, 0, 2)
    assert web
    assert ops
    assert (web.name, web.scopes, web.expires) == ("web", frozenset({"infer"}), math.inf)
    assert (ops.name, ops.scopes) == ("ops", frozenset(SCOPES))
    assert 29 < (ops.expires - file.stat().st_mtime) / 86400 < 31
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_the_file_may_be_named_by_the_setting_or_by_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    key, line = new(capsys, "web")
    (entry,) = entries_of(line)
    assert Keyring(None, line, names=("file", "text")).find(key) == entry
    monkeypatch.setenv("SERVICE_API_KEYS_FILE", str(tmp_path / "keys"))
    (key,) = new(capsys, "web")
    assert keyring(tmp_path / "keys").find(key)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["a b"], "name: expected 1 to 64 letters"),
        (["web", "--scopes", "all"], "scopes: expected some of infer,control,metrics"),
        (["web", "--days", "0"], "expected a number of days above 0"),
        (["web", "--days", "soon"], "expected a number of days above 0"),
    ],
)
def test_what_cannot_be_used_is_explained(
    capsys: pytest.CaptureFixture[str], arguments: list[str], expected: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["keys", "new", *arguments])
    assert ended.value.code == 2
    assert expected in capsys.readouterr().err


def test_a_file_keeps_its_mode_its_comments_and_its_place_behind_a_link(tmp_path: Path) -> None:
    file, link = tmp_path / "keys", tmp_path / "link"
    file.write_text("# of the web application")  # without an end of line
    file.chmod(0o640)
    link.symlink_to(file)
    _, entry = create("web", frozenset({"infer"}))
    key_file.append(link, entry)
    assert link.is_symlink()
    assert file.read_text() == f"# of the web application\n{entry.line}\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


@pytest.mark.parametrize("content", [b"root:x:0:0::/root:/bin/sh\n", b"\xff"])
def test_a_file_of_something_else_stays_as_it_is(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "keys"
    file.write_bytes(content)
    with pytest.raises(OutputError, match="expected API keys, received"):
        key_file.append(file, create("web", frozenset({"infer"}))[1])
    assert file.read_bytes() == content
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_that_is_not_there_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["keys", "new", "web", "--file", str(tmp_path / "none" / "keys")]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""  # a key that is not stored is not shown
    assert "expected a file that can be written" in captured.err


def test_keys_that_are_made_at_once_are_all_kept(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from service.access import key_file;"
        "from service.access.entry import create\n"
        "for i in range(20):\n"
        "    entry = create(f'{sys.argv[2]}{i}', frozenset({'infer'}))[1]\n"
        "    key_file.append(Path(sys.argv[1]), entry)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "keys")]
    running = [subprocess.Popen([*command, name], cwd=ROOT) for name in "ab"]
    assert [each.wait(60) for each in running] == [0, 0]
    names = {each.name for each in entries_of((tmp_path / "keys").read_text())}
    assert names == {f"{name}{number}" for name in "ab" for number in range(20)}
