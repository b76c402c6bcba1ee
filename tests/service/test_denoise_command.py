"""python -m service denoise: photographs in files and folders."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from service.cli import main
from service.files.denoise import Options, denoise
from service.files.plan import plan
from service.files.progress import Progress
from service.images import encode, formats
from service.images.decode import media_type_of, read
from service.images.encode import QUALITY, write
from service.images.formats import BY_NAME, NAMES, PNG, READ_ALL, SUFFIXES, labels
from service.inference.loader import load, locate
from service.inference.tiling.controls import Controls
from service.manifest import PHOTO
from tests.service import format_files
from tests.service.photograph_files import (
    LIMIT,
    SRGB,
    encoded,
    exif,
    opened,
    photograph,
    samples,
    smooth,
)
from tests.service.running import ROOT
from tests.service.tiny import Start, write_model

FILES = {
    "colour.png": encoded(smooth(), "PNG"),
    "gray.png": encoded(smooth("L"), "PNG"),
    "deep.png": write(photograph(samples(3, 16)), PNG),
    "alpha.png": encoded(Image.fromarray(samples(4)), "PNG", icc_profile=SRGB),
    "turned.jpg": encoded(smooth(), "JPEG", exif=b"Exif\0\0" + exif("<", 6), icc_profile=SRGB),
    "clear.webp": encoded(Image.fromarray(samples(4)), "WEBP", lossless=True),
    "inks.jpeg": encoded(smooth("CMYK"), "JPEG"),
}
MOST = 300
"""Files of a folder that takes a while."""
MANY = 2000
"""Files of one that takes longer than a busy machine may keep a test waiting."""


@pytest.fixture
def model(tmp_path: Path) -> list[str]:
    """The flags for the tiny model of photographs."""
    root = tmp_path / "models"
    write_model(root, "photo")
    return [f"--models={root}", "--device=cpu"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with photographs, one in a folder of its own, and what is none."""
    root = tmp_path / "in"
    (root / "below" / "deeper").mkdir(parents=True)
    (root / "a.png").write_bytes(FILES["colour.png"])
    (root / "below" / "b.JPG").write_bytes(FILES["turned.jpg"])
    (root / "below" / "deeper" / "c.webp").write_bytes(FILES["clear.webp"])
    (root / "below" / "notes.txt").write_text("none")
    (root / "._a.png").write_bytes(b"of another system")
    return root


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"sigma": "30", "strength": "0.5", "quality": "70"},
        {"strength": "0.9", "luma": "0.3", "chroma": "0.8", "effort": "4"},
        {"region": "3,5,9,9"},
    ],
)
async def test_files_are_written_as_http_answers_them(
    start: Start, models: Path, tmp_path: Path, options: dict[str, str]
) -> None:
    for name, body in FILES.items():
        (tmp_path / name).write_bytes(body)
    flags = [f"--{name}={value}" for name, value in options.items()]
    inputs = [str(tmp_path / name) for name in FILES]
    output = tmp_path / "out"
    arguments = ["denoise", *inputs, "-o", str(output), *flags, f"--models={models}"]
    assert await asyncio.to_thread(main, [*arguments, "--device=cpu"]) == 0
    client = start()
    for name, body in FILES.items():
        answer = await client.post("/denoise", params={"model": "photo"} | options, content=body)
        assert answer.status_code == 200
        assert (output / name).read_bytes() == answer.content
        assert answer.content != body


def test_a_folder_keeps_its_paths_and_what_is_no_photograph_is_counted(
    folder: Path, tmp_path: Path, model: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "new" / "out"
    assert main(["denoise", str(folder), "-o", str(output), *model]) == 0
    assert files(output) == ["a.png", "below/b.JPG", "below/deeper/c.webp"]
    assert capsys.readouterr().err == "written: 3, failed: 0, skipped as other files: 2\n"
    turned = opened((output / "below" / "b.JPG").read_bytes())
    assert (turned.size, turned.getexif()[0x0112]) == ((20, 33), 1)


def test_the_output_may_lie_in_the_input_and_is_not_read_again(
    folder: Path, model: list[str]
) -> None:
    output = folder / "clean"
    arguments = ["denoise", str(folder), "-o", str(output), *model]
    assert main(arguments) == 0
    before = files(output)
    assert main([*arguments, "--overwrite"]) == 0
    assert files(output) == before == ["a.png", "below/b.JPG", "below/deeper/c.webp"]


def test_the_format_is_that_of_the_name_or_as_asked(
    folder: Path, tmp_path: Path, model: list[str]
) -> None:
    source = str(folder / "a.png")
    for name, kind in {"a.jpg": "JPEG", "b.WebP": "WEBP", "c.png": "PNG"}.items():
        assert main(["denoise", source, "-o", str(tmp_path / name), *model]) == 0
        assert opened((tmp_path / name).read_bytes()).format == kind
    output = tmp_path / "out"
    assert main(["denoise", str(folder), "-o", str(output), "--format=webp", *model]) == 0
    assert files(output) == ["a.webp", "below/b.webp", "below/deeper/c.webp"]
    assert {opened(path.read_bytes()).format for path in output.rglob("*.webp")} == {"WEBP"}
    (tmp_path / "scan 1.5").write_bytes(FILES["gray.png"])  # a file's bytes say what it is
    arguments = ["denoise", str(tmp_path / "scan 1.5"), "-o", f"{tmp_path}/v1.0/", *model]
    assert main(arguments) == main([*arguments, "--format=jpeg"]) == 0
    assert files(tmp_path / "v1.0") == ["scan 1.5.jpg", "scan 1.5.png"]


def test_nothing_is_written_over_unless_it_is_asked_for(
    folder: Path, tmp_path: Path, model: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.png").write_text("precious")
    arguments = ["denoise", str(folder), "-o", str(tmp_path / "out"), *model]
    assert main(arguments) == 1
    assert (tmp_path / "out" / "a.png").read_text() == "precious"
    first, last = capsys.readouterr().err.splitlines()
    assert first.startswith(f"{folder / 'a.png'}: expected a new file to write, received")
    assert "--overwrite" in first
    assert last == "written: 2, failed: 1, skipped as other files: 2"
    in_place = ["denoise", str(folder), "-o", str(folder), *model]
    before = (folder / "a.png").read_bytes()
    assert main(in_place) == 1
    assert (folder / "a.png").read_bytes() == before
    assert main([*in_place, "--overwrite"]) == 0
    assert (folder / "a.png").read_bytes() != before
    assert len(files(folder)) == 5


@pytest.mark.skipif(sys.platform == "win32", reason="needs permissions")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_a_file_that_is_written_over_keeps_its_permissions(
    folder: Path, tmp_path: Path, model: list[str], mode: int
) -> None:
    before = os.umask(0o022)
    try:
        (folder / "a.png").chmod(mode)
        arguments = ["denoise", str(folder / "a.png"), "-o", str(folder), "--overwrite", *model]
        assert main(arguments) == 0
        assert main(["denoise", str(folder), "-o", str(tmp_path / "out"), *model]) == 0
    finally:
        os.umask(before)
    assert (folder / "a.png").read_bytes() != FILES["colour.png"]
    assert (folder / "a.png").stat().st_mode & 0o777 == mode
    assert (tmp_path / "out" / "a.png").stat().st_mode & 0o777 == 0o644


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
def test_a_link_stays_and_what_it_names_is_written(
    folder: Path, tmp_path: Path, model: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    target, output = tmp_path / "elsewhere.png", tmp_path / "out"
    output.mkdir()
    link = output / "a.png"
    link.symlink_to(target)
    arguments = ["denoise", str(folder / "a.png"), "-o", str(output), *model]
    assert main(arguments) == 1  # although what it names is not there
    assert "which exists; --overwrite replaces it" in capsys.readouterr().err
    assert link.is_symlink()
    assert not target.exists()
    for _ in range(2):
        assert main([*arguments, "--overwrite"]) == 0
        assert link.is_symlink()
        assert opened(target.read_bytes()).size == (33, 20)
        target.write_bytes(b"of before")
    link.unlink()
    link.symlink_to(link)
    assert main(arguments) == 1
    assert "which exists; --overwrite replaces it" in capsys.readouterr().err


def test_a_file_that_comes_while_it_is_denoised_is_not_written_over(
    folder: Path, tmp_path: Path, model: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "out" / "a.png"
    planned = plan([str(folder / "a.png")], str(target.parent), media_type=None, overwrite=False)
    target.parent.mkdir()
    target.write_text("precious")
    options = Options(
        sigma=None,
        controls=Controls(),
        quality=90,
        max_pixels=10_000,
        policy=READ_ALL,
        overwrite=False,
    )
    used = load(locate(tmp_path / "models", "photo")).photographs()
    with Progress(planned.jobs) as progress:
        assert denoise(used, planned, options, progress).written == 0
    assert target.read_text() == "precious"
    assert "a file that came there meanwhile" in capsys.readouterr().err
    assert files(target.parent) == ["a.png"]


def test_what_would_become_one_file_gets_a_number_and_so_does_what_is_read_as_well(
    tmp_path: Path, model: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one/a.png", "two/a.png", "two/b.png", "out/a.png", "out/b/a.png", "b/b/a.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(FILES["colour.png"])
    flags = ["-o", str(tmp_path / "clean"), *model]
    assert main(["denoise", str(tmp_path / "one"), str(tmp_path / "two"), *flags]) == 0
    assert files(tmp_path / "clean") == ["a-2.png", "a.png", "b.png"]
    read, other = tmp_path / "out" / "b" / "a.png", tmp_path / "b"
    flags = ["-o", str(tmp_path / "out"), "--overwrite", *model]
    assert main(["denoise", str(read), str(other), *flags]) == 0
    assert read.read_bytes() == FILES["colour.png"]
    assert files(tmp_path / "out") == ["a.png", "b/a-2.png", "b/a.png"]
    assert (tmp_path / "out" / "a.png").read_bytes() != FILES["colour.png"]


def test_links_by_which_one_file_would_be_written_twice_are_refused(
    tmp_path: Path, model: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("in", "out"):
        (tmp_path / folder).mkdir()
    for name in ("a.png", "b.png"):
        (tmp_path / "in" / name).write_bytes(FILES["colour.png"])
    (tmp_path / "out" / "a.png").symlink_to("b.png")
    flags = ["-o", str(tmp_path / "out"), "--overwrite", *model]
    assert main(["denoise", str(tmp_path / "in"), *flags]) == 1
    assert capsys.readouterr().err.count("which others would become as well") == 2


def test_a_name_goes_to_the_file_that_has_it_and_a_suffix_to_what_is_written(
    tmp_path: Path, model: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent, source, output = format_files.every(), tmp_path / "in", tmp_path / "out"
    source.mkdir()
    clear = smooth("RGBA")
    clear.putalpha(Image.new("L", clear.size, 128))
    deep = np.stack([np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)] * 3, 2)
    for name, body in {
        "IMG_1.heic": sent["heic"],
        "IMG_1.jpg": sent["jpeg"],
        "E.dng": sent["raw"],
        "E.tif": sent["tiff"],
        "c.png": sent["heic"],
        "gray.jxl": b"\xff\x0aunreadable",
        "gray.png": sent["png"],
        "clear.heic": format_files.heic(clear),
        "clear.jpg": sent["jpeg"],
        "deep.heic": format_files.deep_heic(deep),
        "x.png": b"no photograph",
    }.items():
        (source / name).write_bytes(body)
    monkeypatch.setattr(formats, "written", lambda: formats.MEDIA_TYPES[:-1])  # no encoder
    monkeypatch.setattr(encode, "written", formats.written)
    arguments = ["denoise", str(source), "-o", str(output), *model]
    assert main(arguments) == 1
    expected = {
        "E-2.tif": "TIFF",
        "E.tif": "TIFF",
        "IMG_1-2.jpg": "JPEG",
        "IMG_1.jpg": "JPEG",
        "c.jpg": "JPEG",
        "clear.jpg": "JPEG",
        "clear.png": "PNG",
        "deep.png": "PNG",
        "gray.png": "PNG",
    }
    assert {name: opened((output / name).read_bytes()).format for name in files(output)} == expected
    assert read((output / "deep.png").read_bytes(), LIMIT).pixels.dtype == np.uint16
    before = {name: (output / name).stat().st_mtime_ns for name in expected}
    assert main(arguments) == 1
    assert {name: (output / name).stat().st_mtime_ns for name in files(output)} == before
    assert main([*arguments, "--overwrite"]) == 1
    assert files(output) == sorted(expected)


def test_a_photograph_that_is_named_twice_is_denoised_once(
    folder: Path, tmp_path: Path, model: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    inputs = [str(folder), str(folder / "a.png")]
    assert main(["denoise", *inputs, "-o", str(tmp_path / "out"), *model]) == 0
    assert "written: 3" in capsys.readouterr().err


def test_what_fails_is_named_and_the_others_go_on(
    folder: Path, tmp_path: Path, model: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "broken.png").write_bytes(FILES["colour.png"][:60])
    (tmp_path / "empty").mkdir()
    (tmp_path / "t.pdf").write_bytes(b"%PDF-1.7" + bytes(99))
    inputs = [folder, tmp_path / "none.png", tmp_path / "t.pdf", tmp_path / "empty"]
    output = tmp_path / "out"
    assert main(["denoise", *map(str, inputs), "-o", str(output), "--format=jpeg", *model]) == 1
    told = dict(line.split(": ", 1) for line in capsys.readouterr().err.splitlines())
    assert told == {
        str(folder / "broken.png"): told[str(folder / "broken.png")],
        str(folder / "below" / "deeper" / "c.webp"): (
            "format: expected one that can hold it, image/webp, image/png, image/tiff, image/avif, "
            "image/heic, received image/jpeg"
        ),
        str(inputs[1]): "expected a file that can be read, received: No such file or directory",
        str(inputs[2]): (f"picture: PDF is not read here; expected one of {labels(NAMES)}"),
        str(inputs[3]): f"expected files {', '.join(SUFFIXES)} in it, received none",
        "written": "2, failed: 5, skipped as other files: 2",
    }
    assert told[str(folder / "broken.png")].startswith("picture: expected a whole picture")
    assert files(output) == ["a.jpg", "below/b.JPG"]


def test_where_nothing_can_be_written_it_is_said_of_what(
    folder: Path, tmp_path: Path, model: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("no folder")
    target = tmp_path / "file" / "a.png"
    assert main(["denoise", str(folder / "a.png"), "-o", str(target), *model]) == 1
    assert f"a.png: expected to write {target}, received: " in capsys.readouterr().err


def test_a_photograph_beyond_the_limit_is_refused(
    folder: Path, tmp_path: Path, model: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["denoise", str(folder / "a.png"), "-o", str(tmp_path / "out"), *model]
    assert main([*arguments, "--max-pixels=659"]) == 1
    assert (
        "expected at most 659 pixels (SERVICE_MAX_PIXELS), received 33x20"
        in capsys.readouterr().err
    )
    assert main([*arguments, "--max-pixels=660"]) == 0


def test_a_photograph_without_the_region_is_refused(
    folder: Path, tmp_path: Path, model: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "small.png").write_bytes(encoded(smooth().resize((9, 9)), "PNG"))
    output = tmp_path / "out"
    flags = ["-o", str(output), "--region=0,0,12,15", *model]
    assert main(["denoise", str(folder), *flags]) == 1
    assert files(output) == ["a.png", "below/b.JPG", "below/deeper/c.webp"]
    assert {opened((output / name).read_bytes()).size for name in files(output)} == {(12, 15)}
    expected = "small.png: region: expected a part of the photograph, which is 9x9, received 0,0,12"
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["a.png", "b.png", "-o", "out.png"], "OUT: expected a folder unless IN is one file"),
        (["below", "-o", "out.png"], "OUT: expected a folder unless IN is one file"),
        (["below", "-o", "-"], "OUT: expected a folder unless IN is one file"),
        (["a.png", "-o", "out.gif"], "OUT: expected a name that ends in .png, .jpg, .jpeg, .webp"),
        (["a.png", "-o", "below/notes.txt"], "OUT: expected a folder, received the file"),
        (["a.png", "-o", "x.jpg", "--format=png"], "OUT: expected a name that ends in .png"),
        (["-", "-o", "out"], "OUT: expected a file's name or - for standard input"),
        (
            ["a.png", "-o", "out", "--model=x"],
            "model: expected one of half, mirror, photo, received 'x'",
        ),
        (["a.png", "-o", "out", "--version=2"], "version: expected 1 of photo, received 2"),
        *(
            (
                ["a.png", "-o", "out", f"--model={name}"],
                f"offered: model: expected one that denoises photographs (photo), received {name}",
            )
            for name in ("half", "mirror")
        ),
    ],
)
def test_what_cannot_be_done_as_asked_is_explained_before_anything_is_done(
    folder: Path,
    tmp_path: Path,
    model: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    told: str,
) -> None:
    for name in ("half", "mirror"):
        write_model(tmp_path / "models", name)
    monkeypatch.chdir(folder)
    before = files(folder)
    assert main(["denoise", *arguments, *model]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line
    assert files(folder) == before


@pytest.mark.parametrize(
    ("flag", "told"),
    [
        ("--sigma=101", "expected a number from 0 to 100, received '101'"),
        ("--sigma=nan", "expected a number from 0 to 100, received 'nan'"),
        ("--luma=1.5", "expected a number from 0 to 1, received '1.5'"),
        ("--chroma=-1", "expected a number from 0 to 1, received '-1'"),
        ("--effort=3", "invalid choice: 3 (choose from 1, 2, 4, 8)"),
        (
            "--region=1,2,3",
            "expected x,y,width,height in pixels, 0,0,640,480 for example, received",
        ),
        ("--strength=x", "expected a number from 0 to 1, received 'x'"),
        ("--quality=0", "expected a whole number from 1 to 100, received '0'"),
        ("--version=-1", "expected a whole number from 1, received '-1'"),
        ("--format=gif", "invalid choice: 'gif'"),
    ],
)
def test_options_beyond_their_range_are_refused(
    flag: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["denoise", "a.png", "-o", "out", flag])
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_no_model_is_a_failure(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = [f"--models={tmp_path / 'nowhere'}", "--device=cpu"]
    assert main(["denoise", str(folder), "-o", str(tmp_path / "out"), *flags]) == 1
    assert capsys.readouterr().err.startswith("Cannot start: ")


def test_the_model_is_the_one_that_is_set_for_pictures(
    folder: Path, tmp_path: Path, model: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVICE_DEFAULT_PICTURE", "other")
    arguments = ["denoise", str(folder / "a.png"), "-o", str(tmp_path / "out"), *model]
    assert main(arguments) == 2
    assert main([*arguments, "--model=photo"]) == 0


def test_the_help_names_defaults_that_hold(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["denoise", "--help"])
    assert ended.value.code == 0
    told = " ".join(capsys.readouterr().out.split())
    assert f"(default {QUALITY}, or lossless" in told
    assert f"(default {PHOTO}; SERVICE_DEFAULT_PICTURE)" in told


def _started(
    *arguments: str,
    stdin: int | None = None,
    stdout: int | None = None,
    stderr: int | None = None,
) -> "subprocess.Popen[bytes]":
    words = [sys.executable, "-m", "service", "denoise", *arguments]
    return subprocess.Popen(words, cwd=ROOT, stdin=stdin, stdout=stdout, stderr=stderr)


def test_standard_input_goes_to_standard_output(
    folder: Path, tmp_path: Path, model: list[str]
) -> None:
    assert main(["denoise", str(folder / "a.png"), "-o", str(tmp_path / "a.webp"), *model]) == 0
    pipe = subprocess.PIPE
    pipes = {"stdin": pipe, "stdout": pipe, "stderr": pipe}
    with _started("-", "-o", "-", "--format=webp", *model, **pipes) as process:
        written, told = process.communicate(FILES["colour.png"], 60)
    assert (process.returncode, told) == (0, b"")
    assert written == (tmp_path / "a.webp").read_bytes()
    with _started("-", "-o", "-", *model, **pipes) as process:
        written, told = process.communicate(b"none", 60)
    assert (process.returncode, written) == (1, b"")
    assert told.startswith(b"standard input: picture: Another format is not read here")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "redirection", "status", "fault"),
    [
        ("-", "<&-", 2, "IN: expected an open standard input, received a closed one"),
        ("a.png", "2>&-", 0, ""),
        ("a.png missing.png", "2>&-", 1, ""),
        ("a.png empty", "2>&-", 1, ""),
    ],
)
def test_a_stream_that_is_closed_ends_in_no_traceback(
    folder: Path, model: list[str], arguments: str, redirection: str, status: int, fault: str
) -> None:
    (folder / "empty").mkdir()
    output = "out" if "a.png" in arguments else "out.png"
    flags = " ".join(model)
    ended = subprocess.run(
        f'exec "{sys.executable}" -m service denoise {arguments} -o {output} {flags} {redirection}',
        shell=True,
        check=False,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stdout) == (status, "")
    assert ended.stderr == (f"Invalid value: {fault}\n" if fault else "")
    assert (folder / "out" / "a.png").exists() == ("a.png" in arguments)


def test_being_stopped_leaves_whole_files_alone(tmp_path: Path, model: list[str]) -> None:
    source, output = tmp_path / "many", tmp_path / "out"
    source.mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (400, 400, 3), np.uint8)
    body = encoded(Image.fromarray(noise), "JPEG", quality=90)
    (source / "0.jpg").write_bytes(body)
    for number in range(1, MANY):
        (source / f"{number}.jpg").hardlink_to(source / "0.jpg")
    flags = ["--format=png", *model]
    with _started(str(source), "-o", str(output), *flags, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 60
        while not (output.exists() and files(output)) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert (process.returncode, told) == (130, b"stopped\n")
    written = [path for path in output.iterdir() if opened(path.read_bytes()).size == (400, 400)]
    assert 0 < len(written) == len(files(output)) < MANY


@pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal of its own")
def test_a_terminal_sees_how_many_megapixels_are_done(tmp_path: Path, model: list[str]) -> None:
    import pty
    import termios

    source = tmp_path / "in"
    source.mkdir()
    for name in ("a.png", "b.png"):
        picture = Image.new("RGB", (1000, 1000), "gray")
        (source / name).write_bytes(encoded(picture, "PNG"))
    (source / "c.png").write_bytes(b"none")
    terminal, end = pty.openpty()
    termios.tcsetwinsize(end, (24, 100))
    with _started(str(source), "-o", str(tmp_path / "out"), *model, stderr=end) as process:
        os.close(end)
        seen = b""
        while part := _read(terminal):
            seen += part
        os.close(terminal)
    assert process.returncode == 1
    lines = [line for line in seen.decode().replace("\r", "\n").splitlines() if line]
    assert any("0.0 of 2.0 MP" in line for line in lines)
    assert [line for line in lines if "MP" in line][-1].startswith("100% |")
    assert any("2.0 of 2.0 MP" in line for line in lines)
    assert any(line.startswith(f"{source / 'c.png'}: picture: Another format") for line in lines)
    assert lines[-1] == "written: 2, failed: 1, skipped as other files: 0"


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # as it ends
        return b""


def test_other_formats_are_found_in_folders_and_get_the_suffix_of_what_is_written(
    tmp_path: Path, model: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    source, output = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    sent = format_files.every()
    for name in ("tiff", "avif", "heic", "bmp", "jp2", "raw"):
        suffix = BY_NAME[name].suffixes[0]
        (source / f"{name}{suffix.upper()}").write_bytes(sent[name])
    assert main(["denoise", str(source), "-o", str(output), *model]) == 0
    expected = ["avif.AVIF", "bmp.png", "heic.HEIC", "jp2.png", "raw.tif", "tiff.TIF"]
    assert files(output) == expected
    assert media_type_of((output / "raw.tif").read_bytes()) == "image/tiff"
    arguments = ["denoise", str(source / "raw.DNG"), "-o", str(tmp_path / "one.jpg"), *model]
    assert main(arguments) == 0
    capsys.readouterr()
    assert main([*arguments, "--overwrite", "--formats=png,jpeg"]) == 1
    assert "camera raw is turned off here (SERVICE_FORMATS)" in capsys.readouterr().err


def test_a_truncated_jpeg_is_reported(
    tmp_path: Path, model: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "cut.jpg"
    source.write_bytes(encoded(smooth("RGB", (90, 200)), "JPEG", quality=95)[:-400])
    arguments = ["denoise", str(source), "-o", str(tmp_path / "clean.jpg"), *model]
    assert main(arguments) == 1
    capsys.readouterr()
    assert main([*arguments, "--truncated=accept"]) == 0
    assert f"{source}: truncated; rows" in capsys.readouterr().err
