"""API keys as files have them: read, refused, found again, changed while the service runs."""

import hashlib
import logging
import time
from pathlib import Path

import pytest

from service.access.allowance import Allowance
from service.access.entry import create, entries_of
from service.access.keyring import LONGEST, Keyring
from service.errors import StartupError
from tests.service.keys import lines, made

NAMES = ("SERVICE_API_KEYS_FILE", "SERVICE_API_KEYS")
HASH = f"sha256:{'0' * 32}:{'0' * 64}"


def keyring(file: Path | None, text: str = "") -> Keyring:
    return Keyring(file, text, names=NAMES)


def owner(keys: Keyring, key: str) -> str:
    entry = keys.find(key)
    return entry.name if entry else ""


def test_a_key_has_256_random_bits_and_is_not_in_what_is_stored() -> None:
    key, entry = create("web", frozenset({"infer", "metrics"}))
    assert key.startswith("autoencoder_")
    assert len(key.removeprefix("autoencoder_")) == 43
    assert key != create("web", entry.scopes)[0]
    assert key not in entry.line
    assert hashlib.sha256(entry.salt + key.encode()).hexdigest() in entry.line
    assert entries_of(entry.line) == [entry]


def test_a_text_has_entries_by_lines_or_semicolons_and_comments() -> None:
    text = f"# all\n\na {HASH}; b {HASH} scopes=control,infer\nc {HASH} expires=2027-01-31 # soon"
    a, b, c = entries_of(text)
    assert (a.name, a.scopes, a.expires) == ("a", frozenset({"infer"}), float("inf"))
    assert (b.name, b.scopes) == ("b", frozenset({"control", "infer"}))
    assert c.line == f"c {HASH} scopes=infer expires=2027-01-31T00:00:00Z"


def test_an_entry_may_say_what_its_key_may_take() -> None:
    words = "requests-per-minute=0 megapixels-per-minute=20 weight=3"
    (entry,) = entries_of(f"a {HASH} {words}")
    assert entry.allowance == Allowance(0, 20, 3)
    assert entry.line == f"a {HASH} scopes=infer {words}"
    assert entries_of(f"a {HASH}")[0].allowance == Allowance(None, None, 1)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("web", "expected NAME sha256:SALT:DIGEST"),
        ("web autoencoder_secret", "received no hash"),
        (f"web {HASH}0", "received no hash"),
        (f"web {HASH} secret", "received another word"),
        (f"web {HASH} scopes=infer scopes=infer", "or one twice"),
        (f"web {HASH} scopes=all,secret", "scopes: expected some of infer,control,metrics"),
        (f"web {HASH} expires=secret", "expires: expected a time of ISO 8601"),
        (f"web {HASH} weight=0", "weight: expected a whole number of 1 to 1000"),
        (f"web {HASH} requests-per-minute=secret", "requests-per-minute: expected a whole number"),
        (f"web {HASH} megapixels-per-minute=-1", "megapixels-per-minute: expected a whole number"),
        (f"web {HASH} weight=1 weight=2", "or one twice"),
        (f"web {HASH} expires=0001-01-01T00:00:00+01:00", "expires: expected a time"),
        (f"web {HASH} expires=9999-12-31T23:59:59.999999", "expires: expected a time"),
        (f"-secret {HASH}", "name: expected 1 to 64 letters"),
    ],
)
def test_what_is_no_entry_is_refused_by_its_line_without_its_text(line: str, expected: str) -> None:
    with pytest.raises(ValueError, match=expected) as refused:
        entries_of(f"# keys\n{line}")
    assert str(refused.value).startswith("line 2: ")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("year", ["0001", "0999", "9999"])
def test_a_time_of_any_year_is_written_as_it_is_read(year: str) -> None:
    line = f"web {HASH} scopes=infer expires={year}-06-30T12:00:00Z"
    assert [each.line for each in entries_of(line)] == [line]


def test_each_of_several_keys_of_a_name_is_found_and_no_other(tmp_path: Path) -> None:
    old, new, other = made("web"), made("web", "control"), made("batch")
    (tmp_path / "keys").write_text(lines(old, new))
    keys = keyring(tmp_path / "keys", other.line)
    for _ in range(2):  # the second time it is remembered
        assert [owner(keys, each.key) for each in (old, new, other)] == ["web", "web", "batch"]
        assert keys.find(new.key) != keys.find(old.key)
        for unknown in ("", old.key[:-1], old.key + "x", old.line, "ä", "x" * (LONGEST + 1)):
            assert keys.find(unknown) is None


async def test_a_file_that_changes_is_read_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "keys"
    old, new = made("web"), made("mobile")
    file.write_text(lines(old))
    file.chmod(0o600)
    keys = keyring(file)
    assert owner(keys, old.key) == "web"
    with caplog.at_level(logging.INFO, "service.access"):
        await keys.refresh()
        assert not caplog.messages
        file.write_text(lines(new))
        await keys.refresh()
    assert (owner(keys, old.key), owner(keys, new.key)) == ("", "mobile")
    assert caplog.messages == ["SERVICE_API_KEYS_FILE: 1 API keys of mobile"]


@pytest.mark.parametrize("broken", ["web autoencoder_secret\n", b"\xff\xfe", None])
async def test_a_file_that_breaks_leaves_the_keys_as_they_were(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, broken: str | bytes | None
) -> None:
    file = tmp_path / "keys"
    kept = made("web")
    file.write_text(lines(kept))
    keys = keyring(file)
    if broken is None:
        file.unlink()
    else:
        file.write_bytes(broken if isinstance(broken, bytes) else broken.encode())
    for _ in range(2):
        await keys.refresh()
    assert owner(keys, kept.key) == "web"
    (message,) = caplog.messages  # said once
    assert message.startswith("the API keys stay as they were: SERVICE_API_KEYS_FILE: ")
    assert "secret" not in message
    file.write_text(lines(made("mobile")))
    await keys.refresh()
    assert owner(keys, kept.key) == ""


async def test_a_file_without_keys_lets_nobody_in(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "keys"
    gone = made("web")
    file.write_text(lines(gone))
    keys = keyring(file)
    file.write_text("# the key of web leaked\n")
    await keys.refresh()
    assert keys.find(gone.key) is None
    assert "nobody may come in" in caplog.text


def test_a_file_that_others_can_write_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "keys"
    file.write_text(lines(made("web")))
    file.chmod(0o660)
    keyring(file)
    assert "expected a file that only its owner can write" in caplog.text


def test_what_cannot_be_read_at_the_start_is_named_by_its_setting(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="SERVICE_API_KEYS_FILE: expected a file that can be"):
        keyring(tmp_path / "none")
    with pytest.raises(StartupError, match="SERVICE_API_KEYS: line 1: expected NAME"):
        keyring(None, "web")


def test_a_key_that_has_expired_is_found_as_such(tmp_path: Path) -> None:
    past = made("web", expires=time.time() - 1)
    entry = keyring(None, past.line).find(past.key)
    assert entry
    assert entry.expires < time.time()
