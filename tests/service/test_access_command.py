"""python -m service keys: a key is shown once, its hash appended with care, listed and revoked."""

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


def test_a_key_is_written_to_a_file_that_its_owner_alone_can_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, secret = tmp_path / "keys", tmp_path / "key"
    assert new(capsys, "web", "--file", str(file), "--key-file", str(secret)) == []
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    key = secret.read_text()
    assert key.endswith("\n")
    assert keyring(file).find(key.strip())
    before = file.read_bytes()
    assert main(["keys", "new", "web", "--file", str(file), "--key-file", str(secret)]) == 1
    assert "expected a file that does not exist yet" in capsys.readouterr().err
    assert (secret.read_text(), file.read_bytes()) == (key, before)


def test_a_key_whose_hash_cannot_be_stored_is_in_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere, secret = tmp_path / "none" / "keys", tmp_path / "key"
    assert main(["keys", "new", "web", "--file", str(nowhere), "--key-file", str(secret)]) == 1
    assert "expected a file that can be written" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["a b"], "name: expected 1 to 64 letters"),
        (
            ["web", "--scopes", "infer,inference, all"],
            "scopes: expected some of infer,control,metrics, received 'inference', 'all'",
        ),
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


def test_keys_are_listed_without_their_hashes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "keys"
    web, old = create("web", frozenset({"infer"}))[1], create("old", frozenset(SCOPES), 0.0)[1]
    shop = create("shop", frozenset({"infer"}), allowance=Allowance(60, None, 2))[1]
    file.write_text(f"# keys\n{web.line}; {old.line}\n{shop.line}\n")
    monkeypatch.setenv("SERVICE_API_KEYS_FILE", str(file))
    assert main(["keys", "list"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "web scopes=infer",
        "old scopes=infer,control,metrics expires=1970-01-01T00:00:00Z (expired)",
        "shop scopes=infer requests-per-minute=60 weight=2",
    ]


def test_the_keys_of_a_name_are_revoked_and_all_else_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "keys"
    (old, web), (later, web_later), (other, ops) = (
        create(name, frozenset({"infer"})) for name in ("web", "web", "ops")
    )
    file.write_text(f"# mine\n{ops.line};{web.line} # web\n{web_later.line}\n")
    file.chmod(0o640)
    assert main(["keys", "revoke", "web", "--keep-last", "--file", str(file)]) == 0
    assert capsys.readouterr().out == "web: 1 key revoked\n"
    assert file.read_text() == f"# mine\n{ops.line} # web\n{web_later.line}\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    keys = keyring(file)
    assert keys.find(other)
    assert keys.find(later)
    assert keys.find(old) is None
    assert main(["keys", "revoke", "web", "--file", str(file)]) == 0
    assert file.read_text() == f"# mine\n{ops.line} # web\n"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("arguments", "status", "expected"),
    [
        (["revoke", "wbe", "--file", "keys"], 2, "name: expected one of web, ops, received 'wbe'"),
        (["revoke", "web", "--keep-last", "--file", "keys"], 2, "with another before its last"),
        (["revoke", "web", "--file", "none"], 1, "none: expected a file that can be read"),
        (["list", "--file", "none"], 1, "none: expected a file that can be read"),
        (["list", "--file", "other"], 1, "other: expected API keys, received"),
        (["list"], 2, "expected SERVICE_API_KEYS_FILE (--file) to name a file"),
    ],
)
def test_what_cannot_be_listed_or_revoked_is_explained_and_nothing_changes(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    status: int,
    expected: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    text = "".join(f"{create(name, frozenset({'infer'}))[1].line}\n" for name in ("web", "ops"))
    (tmp_path / "keys").write_text(text)
    (tmp_path / "other").write_text("root:x:0:0::/root:/bin/sh\n")
    assert main(["keys", *arguments]) == status
    captured = capsys.readouterr()
    assert captured.out == ""
    assert expected in captured.err
    assert (tmp_path / "keys").read_text() == text
    assert not (tmp_path / "none").exists()
