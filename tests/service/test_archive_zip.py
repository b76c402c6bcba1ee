"""Zips that people and systems make, and broken and hostile ones."""

import asyncio
import contextlib
import shutil
import subprocess
import zipfile
from pathlib import Path

import httpx
import numpy as np
import pytest

from service.api.archive import zip_reader
from service.errors import ServiceError
from tests.service.asgi import check_problem
from tests.service.tiny import Start
from tests.service.zip_files import ONE, SENT, TO_ZIP, ZIP, unzipped, zipped


async def test_what_systems_add_to_folders_is_left_out(shared_client: httpx.AsyncClient) -> None:
    png = SENT["b.png"]
    names = ["f/", "f/a.png", "f/.DS_Store", "__MACOSX/f/._a.png", "f/Thumbs.db", ".x/b.png"]
    sent = zipped({name: b"" if name.endswith("/") else png for name in names})
    answer = await shared_client.post("/denoise?model=photo", content=sent, headers=ZIP)
    files, manifest = unzipped(answer)
    assert list(files) == ["f/a.png"] == [each["source"] for each in manifest]


def _patched(content: bytes, *changes: tuple[bytes, int, bytes]) -> bytes:
    """A zip whose records, by signature, have other bytes at an offset."""
    patched = bytearray(content)
    for signature, offset, value in changes:
        at = patched.find(signature)
        patched[at + offset : at + offset + len(value)] = value
    return bytes(patched)


LOCAL, CENTRAL = b"PK\3\4", b"PK\1\2"


@pytest.mark.parametrize(
    ("sent", "status", "fault"),
    [
        (_patched(ONE, (LOCAL, 6, b"\1"), (CENTRAL, 8, b"\1")), 422, "received an encrypted one"),
        (_patched(ONE, (LOCAL, 8, b"\x0e"), (CENTRAL, 10, b"\x0e")), 415, "compression method 14"),
        (
            _patched(ONE, (CENTRAL, 24, b"\xff\xff\xff\x7f")),
            413,
            "at most 167772160 bytes (SERVICE_MAX_BODY_BYTES), rec",
        ),
        (_patched(ONE, (CENTRAL, 24, b"\1\0\0\0")), 400, "expected a whole file, received a dam"),
        (_patched(ONE, (LOCAL, 60, b"!")), 400, "expected a whole file, received a damaged one"),
        (zipped({"b.zip": ONE}), 415, "A zip archive is not read here"),
        (zipped({"a.png": b""}), 400, "expected a whole picture, received nothing"),
    ],
)
async def test_a_file_of_a_zip_that_cannot_be_read_is_named_in_the_manifest(
    shared_client: httpx.AsyncClient, sent: bytes, status: int, fault: str
) -> None:
    answer = await shared_client.post("/denoise?model=photo", content=sent, headers=ZIP)
    files, (told,) = unzipped(answer)
    assert files == {}
    assert told["status"] == status
    assert fault in told["detail"]


@pytest.mark.parametrize(
    ("sent", "status", "code", "fault"),
    [
        (b"no zip", 400, "malformed-body", "received a truncated or damaged one"),
        (ONE[:-10], 400, "malformed-body", "received a truncated or damaged one"),
        (zipped({}), 422, "invalid-value", "received an archive without one"),
        (zipped({"f/": b""}), 422, "invalid-value", "received an archive without one"),
        (b"", 400, "malformed-body", "received nothing"),
    ],
)
async def test_a_broken_zip_is_refused(
    shared_client: httpx.AsyncClient, sent: bytes, status: int, code: str, fault: str
) -> None:
    answer = await shared_client.post("/denoise?model=photo", content=sent, headers=ZIP)
    assert fault in check_problem(answer, status, code)


async def test_a_file_without_a_name_gets_one(shared_client: httpx.AsyncClient) -> None:
    # The letter of its name becomes a comment in the directory, and an extra field before it.
    nameless = _patched(
        zipped({"a": SENT["b.png"]}),
        (CENTRAL, 28, b"\0\0\0\0\1"),
        (LOCAL, 26, b"\0\0\1"),
    )
    answer = await shared_client.post("/denoise?model=photo", content=nameless, headers=ZIP)
    files, (told,) = unzipped(answer)
    assert told["source"] == ""
    assert list(files) == ["photograph.png"]
    unnamed = [("file", ("", SENT["b.png"])), ("file", ("", SENT["a.jpg"]))]
    answer = await shared_client.post("/denoise?model=photo", files=unnamed, headers=TO_ZIP)
    assert list(unzipped(answer)[0]) == ["photograph-1.png", "photograph-2.jpg"]


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_damaged_zip_is_read_or_refused(compression: int) -> None:
    random = np.random.default_rng(0)
    whole = zipped({name: content[:200] for name, content in SENT.items()}, compression)
    headers = [at for at in range(len(whole)) if whole[at : at + 2] == b"PK"]
    for _ in range(300):
        damaged = bytearray(whole)
        for at in random.choice(headers, 2) + random.integers(0, 46, 2):
            damaged[min(at, len(whole) - 1)] = random.choice([0, 1, 127, 255])
        with contextlib.suppress(ServiceError):
            for source in zip_reader.sources(bytes(damaged), 1000):
                with contextlib.suppress(ServiceError):
                    assert len(source.read()) <= 1000


async def test_a_zip_of_a_great_many_entries_is_refused_before_it_is_opened(
    shared_client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zip_reader, "MOST_ENTRIES", 2)
    monkeypatch.setattr(zip_reader, "STEP", 7)
    sent = zipped({"a.png": b"", "b/": b"", "c.png": b""})
    answer = await shared_client.post("/denoise?model=photo", content=sent, headers=ZIP)
    detail = check_problem(answer, 413, "body-too-large")
    assert detail == "zip: expected at most 2 entries, received 3"


async def test_files_that_unpack_to_too_much_in_all_are_refused_before_any_is(
    start: Start,
) -> None:
    client = start(max_body_bytes=100_000)
    nine = {f"{number}.png": bytes(100_000) for number in range(9)}
    sent = zipped(nine, zipfile.ZIP_DEFLATED)
    answer = await client.post("/denoise?model=photo", content=sent, headers=ZIP)
    detail = check_problem(answer, 413, "body-too-large")
    assert detail == "zip: expected at most 800000 bytes in its files, received 900000"
    # One that is too large by itself is not unpacked, and counts for nothing.
    sent = zipped(nine | {"8.png": bytes(100_001)}, zipfile.ZIP_DEFLATED)
    answer = await client.post("/denoise?model=photo", content=sent, headers=ZIP)
    assert [each["status"] for each in unzipped(answer)[1]] == [415] * 8 + [413]


async def _ran(*command: str | Path, cwd: Path | None = None) -> bytes:
    def run() -> bytes:
        return subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.PIPE).stdout

    return await asyncio.to_thread(run)


@pytest.mark.skipif(not shutil.which("zip") or not shutil.which("unzip"), reason="needs Info-ZIP")
async def test_info_zip_writes_and_reads_them(
    shared_client: httpx.AsyncClient, tmp_path: Path
) -> None:
    folder, names = tmp_path / "sent", ["a.png", "ä 日本.png", "under/b.jpg"]
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(SENT["a.jpg" if name.endswith("jpg") else "b.png"])
    # Into a pipe, where an entry's size follows it.
    sent = await _ran("zip", "-q", "-r", "-", *names, cwd=folder)
    answer = await shared_client.post("/denoise?model=photo", content=sent, headers=ZIP)
    received = tmp_path / "received.zip"
    received.write_bytes(answer.content)
    assert b"No errors" in await _ran("unzip", "-t", received)
    await _ran("unzip", "-q", received, "-d", tmp_path / "out")
    assert list(unzipped(answer)[0]) == names
    assert len(list((tmp_path / "out").rglob("*.*"))) == len(names) + 1
