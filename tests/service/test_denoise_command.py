"""python -m service denoise: what it does to photographs, and which it refuses."""

import asyncio
from pathlib import Path

import pytest

from service.cli import main
from service.images.encode import QUALITY
from service.images.formats import NAMES, SUFFIXES, labels
from service.manifest import PHOTO
from tests.service.command_files import FILES, files, folder_in, model_in
from tests.service.photograph_files import (
    encoded,
    opened,
    smooth,
)
from tests.service.tiny import Start, write_model


@pytest.fixture
def model(tmp_path: Path) -> list[str]:
    return model_in(tmp_path / "models")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return folder_in(tmp_path / "in")


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
