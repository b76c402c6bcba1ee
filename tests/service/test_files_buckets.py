"""python -m service denoise: files in buckets, by URL."""

import http.server
import io
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import obstore
import pytest
from obstore.store import S3Store
from PIL import Image

from benchmarks.seaweed import client
from service.cli import main
from service.files import objects, stores, streamed
from service.files.errors import Exists
from service.files.objects import Object
from tests.service.command_files import FILES, files, folder_in, model_in
from tests.service.object_store import store_in
from tests.service.photograph_files import encoded, opened
from tests.service.running import ROOT
from tests.service.tiny import write_model

Denoise = Callable[..., int]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with store_in(tmp_path_factory.mktemp("store")) as environment:
        yield environment


@pytest.fixture
def bucket(served: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Store]:
    """An empty bucket, s3://bucket."""
    for name, value in served.items():
        monkeypatch.setenv(name, value)
    stores.store_of.cache_clear()
    store = client(served)
    for name in keys(store):
        obstore.delete(store, name)
    yield store
    stores.store_of.cache_clear()


@pytest.fixture
def denoise(tmp_path: Path) -> Denoise:
    flags = model_in(tmp_path / "models")
    return lambda *words: main(["denoise", *map(str, words), *flags])


def keys(store: S3Store, prefix: str = "") -> list[str]:
    return [each["path"] for page in obstore.list(store, prefix or None) for each in page]


def got(store: S3Store, key: str) -> bytes:
    return bytes(obstore.get(store, key).bytes())


def fill(store: S3Store, folder: Path, prefix: str) -> None:
    for name in files(folder):
        obstore.put(store, f"{prefix}/{name}", (folder / name).read_bytes())


def test_buckets_and_folders_hold_the_same_bytes(
    bucket: S3Store, denoise: Denoise, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, local = folder_in(tmp_path / "in"), tmp_path / "local"
    fill(bucket, folder, "in")
    assert denoise(folder, "-o", local) == 0
    capsys.readouterr()
    assert denoise("s3://bucket/in", "-o", "s3://bucket/out") == 0
    assert capsys.readouterr().err.startswith("written: 3, failed: 0, skipped as other files: 2")
    assert denoise(folder, "-o", "s3://bucket/up/") == 0
    assert denoise("s3://bucket/in/", "-o", tmp_path / "down") == 0
    expected = {name: (local / name).read_bytes() for name in files(local)}
    for prefix in ("out", "up"):
        assert {key: got(bucket, f"{prefix}/{key}") for key in expected} == expected
        assert keys(bucket, prefix) == [f"{prefix}/{key}" for key in sorted(expected)]
    down = tmp_path / "down"
    assert {name: (down / name).read_bytes() for name in files(down)} == expected


def test_single_objects_files_and_streams_go_to_one_another(
    bucket: S3Store,
    denoise: Denoise,
    tmp_path: Path,
    capsysbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    obstore.put(bucket, "in/a.png", FILES["colour.png"])
    obstore.put(bucket, "in/scan 1.5", FILES["gray.png"])  # a file's bytes say what it is
    (tmp_path / "a.png").write_bytes(FILES["colour.png"])
    assert denoise("s3://bucket/in/a.png", "-o", tmp_path / "b.webp") == 0
    assert denoise(tmp_path / "a.png", "-o", "s3://bucket/b.webp") == 0
    assert got(bucket, "b.webp") == (tmp_path / "b.webp").read_bytes()
    assert denoise("s3://bucket/in/scan 1.5", "-o", "s3://bucket/v1.0/") == 0
    assert opened(got(bucket, "v1.0/scan 1.5.png")).format == "PNG"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(FILES["colour.png"])))
    assert denoise("-", "-o", "s3://bucket/c.webp") == 0
    assert got(bucket, "c.webp") == got(bucket, "b.webp")
    capsysbinary.readouterr()
    assert denoise("s3://bucket/in/a.png", "-o", "-", "--format=webp") == 0
    assert capsysbinary.readouterr().out == got(bucket, "b.webp")


def test_objects_are_replaced_or_left_as_it_is_asked_for(
    bucket: S3Store, denoise: Denoise, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(bucket, folder_in(tmp_path / "in"), "in")
    obstore.put(bucket, "out/a.png", b"precious")
    report = tmp_path / "report.jsonl"
    words = ["s3://bucket/in", "-o", "s3://bucket/out"]
    assert denoise(*words, "--report", report) == 1
    first, last = capsys.readouterr().err.splitlines()
    assert first == (
        "s3://bucket/in/a.png: expected a new file to write, received s3://bucket/out/a.png, "
        "which exists; --overwrite replaces it"
    )
    assert last == "written: 2, failed: 1, skipped as other files: 2"
    lines = [json.loads(line) for line in report.read_text().splitlines()]
    assert {(line["source"], line["status"]) for line in lines} == {
        ("s3://bucket/in/a.png", "failed"),
        ("s3://bucket/in/below/b.JPG", "written"),
        ("s3://bucket/in/below/deeper/c.webp", "written"),
    }
    assert denoise(*words, "--report", report) == 2
    assert "--report: expected a new file" in capsys.readouterr().err
    obstore.delete(bucket, "out/below/b.JPG")
    assert denoise(*words, "--resume", "--report", report) == 0
    assert capsys.readouterr().err.endswith(
        "written: 1, failed: 0, skipped as other files: 2, written before: 2\n"
    )
    assert len(report.read_text().splitlines()) == 4
    assert got(bucket, "out/a.png") == b"precious"
    assert denoise(*words, "--overwrite") == 0
    assert opened(got(bucket, "out/a.png")).size == (33, 20)


def test_an_object_that_is_written_although_the_answer_was_lost_is_no_fault(
    bucket: S3Store,
) -> None:
    target = Object.parse("s3://bucket/new.png")
    for _ in range(2):  # as the store is asked again
        target.write_bytes(b"own", overwrite=False)
    with pytest.raises(Exists, match="an object that came there meanwhile"):
        target.write_bytes(b"foe", overwrite=False)
    assert got(bucket, "new.png") == b"own"


def test_a_store_without_conditional_writes_is_asked_before_it_is_written(
    bucket: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CONDITIONAL_PUT", "disabled")
    stores.store_of.cache_clear()
    target = Object.parse("s3://bucket/new.png")
    for _ in range(2):
        target.write_bytes(b"own", overwrite=False)
    with pytest.raises(Exists, match="an object that came there meanwhile"):
        target.write_bytes(b"foe", overwrite=False)
    assert got(bucket, "new.png") == b"own"
    target.write_bytes(b"new", overwrite=True)
    assert got(bucket, "new.png") == b"new"


def test_a_bucket_is_denoised_in_place_and_an_output_within_is_not_read_again(
    bucket: S3Store, denoise: Denoise, tmp_path: Path
) -> None:
    fill(bucket, folder_in(tmp_path / "in"), "in")
    before = got(bucket, "in/a.png")
    for _ in range(2):
        assert denoise("s3://bucket/in", "-o", "s3://bucket/in/clean", "--overwrite") == 0
    assert len(keys(bucket, "in/clean")) == 3
    assert denoise("s3://bucket/in", "-o", "s3://bucket/in", "--resume") == 1
    assert got(bucket, "in/a.png") == before
    assert denoise("s3://bucket/in", "-o", "s3://bucket/in", "--overwrite") == 0
    assert got(bucket, "in/a.png") != before


def test_a_name_that_is_taken_is_made_of_the_whole_name(bucket: S3Store, denoise: Denoise) -> None:
    for name in ("a.jpeg", "a.png", "b/a.png", "c.png", "c.png.jpg"):
        obstore.put(bucket, f"in/{name}", FILES["colour.png"])
    obstore.put(bucket, "in/c.png", FILES["turned.jpg"])  # its bytes say that it is a JPEG
    obstore.put(bucket, "in/c.png.jpg", FILES["turned.jpg"])
    assert denoise("s3://bucket/in", "-o", "s3://bucket/webp", "--format=webp") == 0
    expected = ["a.png.webp", "a.webp", "b/a.webp", "c.png.webp", "c.webp"]
    assert keys(bucket, "webp") == [f"webp/{name}" for name in expected]
    assert denoise("s3://bucket/in", "-o", "s3://bucket/same") == 0
    expected = ["a.jpeg.png", "a.png", "b/a.png", "c.png-2.jpg", "c.png.jpg"]
    assert keys(bucket, "same") == [f"same/{name}" for name in expected]
    assert denoise("s3://bucket/in", "s3://bucket/in/b", "-o", "s3://bucket/both") == 0
    assert "both/a.png.png" in keys(bucket, "both")


def test_a_folder_that_begins_as_names_do_lies_between_them(
    bucket: S3Store, denoise: Denoise
) -> None:
    for name in ("a.jpeg", "a.jpg/b.png", "a.jpg/b.jpg/c.png", "a.jpg/b.webp", "a.png", "a.png.x"):
        obstore.put(bucket, f"in/{name}", FILES["colour.png"])
    assert denoise("s3://bucket/in", "-o", "s3://bucket/out", "--format=webp", "--overwrite") == 0
    expected = ["a.jpg/b.jpg/c.webp", "a.jpg/b.png.webp", "a.jpg/b.webp", "a.png.webp", "a.webp"]
    assert keys(bucket, "out") == [f"out/{name}" for name in expected]


def test_an_output_above_the_input_replaces_no_other_input(
    bucket: S3Store, denoise: Denoise
) -> None:
    names = ["in/a.png", "in/in/a.png"]
    for output in ("s3://bucket/x", "s3://bucket"):
        prefix = "x/" if output.endswith("x") else ""
        for name in names:
            obstore.put(bucket, prefix + name, FILES["colour.png"])
        assert denoise(f"s3://bucket/{prefix}in", "-o", output, "--overwrite") == 0
        assert {got(bucket, prefix + name) for name in names} == {FILES["colour.png"]}
        written = [f"{prefix}a.png", f"{prefix}in/a.png.png"]
        assert [key for key in keys(bucket) if key in written] == written


def test_what_fails_is_reported_and_the_others_go_on(
    bucket: S3Store, denoise: Denoise, capsys: pytest.CaptureFixture[str]
) -> None:
    obstore.put(bucket, "in/a.png", FILES["colour.png"])
    obstore.put(bucket, "in/b.png", FILES["colour.png"][:-40])
    assert denoise("s3://bucket/in", "s3://bucket/none.png", "-o", "s3://bucket/out") == 1
    told = capsys.readouterr().err
    assert "s3://bucket/in/b.png: picture: expected a whole picture" in told
    assert "s3://bucket/none.png: expected an object that can be read, received: no such" in told
    assert keys(bucket, "out") == ["out/a.png"]
    assert denoise("s3://bucket/out/a.png", "-o", "s3://bucket/empty/") == 0
    assert denoise("s3://bucket/void/", "-o", "s3://bucket/empty") == 1
    assert "s3://bucket/void: expected files .png," in capsys.readouterr().err


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_is_no_utf_8_is_reported_and_fails_alone_as_an_object(
    bucket: S3Store, denoise: Denoise, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    for name in (b"a.png", b"\xff.png"):
        (tmp_path / "in" / os.fsdecode(name)).write_bytes(FILES["colour.png"])
    for output, status in ((tmp_path / "out", "written"), ("s3://bucket/out", "failed")):
        report = tmp_path / f"{status}.jsonl"
        assert denoise(tmp_path / "in", "-o", output, "--report", report) == (status == "failed")
        lines = [json.loads(line) for line in report.read_text().splitlines()]
        found = {os.fsencode(Path(line["source"]).name): line["status"] for line in lines}
        assert found == {b"a.png": "written", b"\xff.png": status}
    assert keys(bucket, "out") == ["out/a.png"]


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["s3://nowhere/in/", "-o", "out"], 1, "s3://nowhere: expected a bucket, received: there"),
        (["s3://nowhere/a.png", "-o", "b.png"], 1, "s3://nowhere: expected a bucket, received"),
        (["ftp://host/a.png", "-o", "b.png"], 2, "expected a path or a URL of s3://, gs://, az://"),
        (["s3://", "-o", "b.png"], 2, "expected s3://BUCKET/KEY, received s3://"),
        (["s3://key:secret@b/a.png", "-o", "b"], 2, "credentials in the environment alone"),
        (["s3://my bucket/a.png", "-o", "b"], 2, "expected a bucket's name of ASCII letters"),
        (["https://[host/a.png", "-o", "b"], 2, "expected https://HOST/PATH, received https://[ho"),
        (["https://host:99999/a.png", "-o", "b"], 2, "expected https://HOST/PATH, received"),
        (["https:///a.png", "-o", "b"], 2, "expected https://HOST/PATH, received https:///a.png"),
        (["s3://bucket/a//b.png", "-o", "b"], 2, "expected a key without empty parts"),
        (["a.png", "-o", "https://host/b.png"], 2, "OUT: expected a path or a bucket that can be"),
        (["s3://bucket/in/", "-o", "b.png"], 2, "OUT: expected a folder unless IN is one file"),
        (["s3://bucket/a.png", "-o", "s3://bucket/b.txt"], 2, "OUT: expected a name that ends in"),
        (["-", "-o", "s3://bucket/out/"], 2, "OUT: expected a file's name or - for standard input"),
        (["s3://bucket/a.png", "-o", "s3://bucket/b.jpg", "--format=png"], 2, "that ends in .png"),
    ],
)
def test_what_cannot_be_done_as_asked_is_explained(
    bucket: S3Store,
    denoise: Denoise,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    status: int,
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert denoise(*words) == status
    assert told in capsys.readouterr().err


def test_access_that_is_denied_names_the_variables_of_credentials(
    bucket: S3Store,
    denoise: Denoise,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    assert denoise("s3://bucket/in/", "-o", "s3://bucket/out") == 1
    told = capsys.readouterr().err
    assert "Object store: s3://bucket/in: expected a bucket that can be listed" in told
    assert "403 Forbidden" in told
    assert "read from AWS_ACCESS_KEY_ID" in told
    assert "another" not in told


def test_without_the_extra_it_is_named(
    denoise: Denoise, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    assert denoise("s3://bucket/in/", "-o", "out") == 1
    assert "expected the extra [stores] to be installed" in capsys.readouterr().err


class SignedForGet(http.server.SimpleHTTPRequestHandler):
    """Answers as a store does where a URL is signed for GET: to all else with a 403."""

    def send_head(self) -> Any:
        if self.command == "GET" and self.path.endswith("?signature=abc"):
            return super().send_head()
        self.send_error(403)
        return None

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """The URL of a server with the file "a b.png"."""
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "a b.png").write_bytes(FILES["colour.png"])
    serving = partial(SignedForGet, directory=tmp_path / "web")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serving) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_files_on_the_web_are_read_by_signed_urls(
    web: str, denoise: Denoise, tmp_path: Path
) -> None:
    url = f"{web}/a%20b.png?signature=abc"
    assert denoise(url, "-o", f"{tmp_path}/out/") == 0
    assert files(tmp_path / "out") == ["a b.png"]
    write_model(tmp_path / "models", "mirror")
    flags = [f"--models={tmp_path / 'models'}", "--device=cpu", "--model=mirror", "--fit"]
    assert main(["encode", url, "-o", str(tmp_path / "codings"), *flags]) == 0


@pytest.mark.parametrize("command", ["denoise", "encode"])
def test_a_signed_url_that_has_expired_is_told_without_its_signature(
    web: str, denoise: Denoise, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    write_model(tmp_path / "models", "mirror")
    flags = [f"--models={tmp_path / 'models'}", "--device=cpu"]
    flags += ["--model=mirror"] if command == "encode" else []
    url = f"{web}/a%20b.png?signature=expired"
    assert main([command, url, "-o", f"{tmp_path}/out/", *flags]) == 1
    told = capsys.readouterr().err
    assert f"{web}/a%20b.png: expected an object that can be" in told
    assert "received: 403 Forbidden" in told
    assert "expired" not in told
    assert "credentials" not in told


SECRET = "user:secret@127.0.0.1:9/a%20b.png?signature=secret#secret"


@pytest.mark.parametrize(
    ("command", "words", "told"),
    [
        ("denoise", [f"http://{SECRET}", "-o", "out/"], "http://127.0.0.1:9/a%20b.png: "),
        ("denoise", [f"http://{SECRET}", "-o", "o.jpg"], "http://127.0.0.1:9/a%20b.png: "),
        ("denoise", ["a.png", "-o", f"http://{SECRET}"], "received http://127.0.0.1:9/a%20b.png"),
        ("denoise", [f"ftp://{SECRET}", "-o", "o.jpg"], "received ftp://127.0.0.1:9/a%20b.png"),
        ("denoise", [f"s3://{SECRET}", "-o", "o.jpg"], "before s3://127.0.0.1:9/a%20b.png"),
        ("denoise", ["a.png", "-o", f"s3://{SECRET}"], "before s3://127.0.0.1:9/a%20b.png"),
        ("encode", [f"http://{SECRET}", "-o", "out"], "http://127.0.0.1:9/a%20b.png: "),
        (
            "encode",
            [f"http://{SECRET.replace('png', 'npy')}", "-o", "out"],
            "127.0.0.1:9/a%20b.npy",
        ),
    ],
)
def test_secrets_of_urls_are_in_no_error_and_in_no_report(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    words: list[str],
    told: str,
) -> None:
    monkeypatch.setitem(stores.RETRY, "max_retries", 0)
    stores.store_of.cache_clear()
    monkeypatch.chdir(tmp_path)
    flags = model_in(tmp_path / "models")
    write_model(tmp_path / "models", "mirror")
    flags += {"denoise": ["--report=report.jsonl"], "encode": ["--model=mirror"]}[command]
    assert main([command, *words, *flags]) in (1, 2)
    found = capsys.readouterr().err
    assert told in found
    for path in tmp_path.rglob("*"):
        found += path.name + ("" if path.is_dir() else path.read_text(errors="replace"))
    assert "secret" not in found


def test_an_endless_listing_is_planned_as_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    def below(folder: Object) -> Iterator[objects.Listed]:
        for number in itertools.count():
            yield objects.Listed(folder / f"{number:09}.png", 1, "")

    monkeypatch.setattr(Object, "below", below)
    plan = streamed.plan(
        ["s3://bucket/in/"], "s3://bucket/out", media_type=None, overwrite=True, resume=False
    )
    jobs = list(itertools.islice(plan.jobs, 1000))
    assert str(jobs[-1].target) == "s3://bucket/out/000000999.png"


@pytest.mark.slow
def test_being_stopped_leaves_whole_objects_alone(bucket: S3Store, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (400, 400, 3), np.uint8)
    body = encoded(Image.fromarray(noise), "JPEG", quality=90)
    for number in range(200):
        obstore.put(bucket, f"many/{number}.jpg", body)
    words = [
        sys.executable,
        "-m",
        "service",
        "denoise",
        "s3://bucket/many",
        "-o",
        "s3://bucket/out",
    ]
    words += ["--format=png", *model_in(tmp_path / "models")]
    with subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, env=os.environ) as process:
        deadline = time.monotonic() + 60
        while not keys(bucket, "out") and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert (process.returncode, told) == (130, b"stopped\n")
    written = [key for key in keys(bucket, "out") if opened(got(bucket, key)).size == (400, 400)]
    assert 0 < len(written) == len(keys(bucket, "out")) < 200
