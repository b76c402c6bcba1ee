"""python -m service denoise: which files it writes, where, under which names."""

import json
import os
import sys
from dataclasses import replace
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
from service.images.formats import BY_NAME, READ_ALL
from service.inference.loader import load, locate
from service.inference.tiling.controls import Controls
from tests.service import format_files
from tests.service.command_files import FILES, files, folder_in, model_in
from tests.service.photograph_files import (
    LIMIT,
    opened,
    smooth,
)


@pytest.fixture
def model(tmp_path: Path) -> list[str]:
    return model_in(tmp_path / "models")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return folder_in(tmp_path / "in")


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
    with Progress(planned.jobs) as progress:
        resumed = denoise(used, planned, replace(options, resume=True), progress)
    assert (resumed.written, resumed.failed, resumed.written_before) == (0, 0, 1)
    assert target.read_text() == "precious"
    assert capsys.readouterr().err == ""
    assert files(target.parent) == ["a.png"]


def test_the_report_has_every_photograph_that_is_not_written(
    folder: Path, tmp_path: Path, model: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.png").write_bytes(b"precious")
    (tmp_path / "out" / "other.png").symlink_to(tmp_path / "out" / "same.png")
    (folder / "other.png").write_bytes(FILES["colour.png"])
    (folder / "same.png").write_bytes(FILES["colour.png"])
    report = tmp_path / "report.jsonl"
    words = ["denoise", str(folder), "-o", str(tmp_path / "out"), "--report", str(report), *model]
    assert main(words) == 1
    lines = [json.loads(line) for line in report.read_text().splitlines()]
    problems = {Path(line["source"]).name: line.get("problem", "") for line in lines}
    assert problems.keys() == {"a.png", "b.JPG", "c.webp", "other.png", "same.png"}
    assert problems["a.png"].endswith("which exists; --overwrite replaces it")
    told = capsys.readouterr().err
    assert all(f"{name}: {problem}" in told for name, problem in problems.items() if problem)
    for name in ("other.png", "same.png"):
        assert problems[name].endswith("which others would become as well")


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
