"""Pictures that cannot be decoded are left out up to a share, and other files are counted."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from training.datasets.broken import Broken
from training.datasets.description import describe
from training.datasets.items import DataSet
from training.own.data import load as load_described

RANDOM = np.random.default_rng(5)
BROKEN = ("a/03.png", "b/04.png", "b/99.jpg")


def load(path: Path, **changes: Any) -> DataSet:
    return load_described(describe(path, {"kind": "images", **changes}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """30 pictures of two classes, of which three are damaged, each in another way."""
    root = tmp_path / "pictures"
    for number in range(29):
        path = root / "ab"[number % 2 == 0] / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(RANDOM.integers(0, 256, (12, 16, 3), np.uint8)).save(path)
    (root / BROKEN[0]).write_bytes((root / BROKEN[0]).read_bytes()[:300])  # its header is whole
    (root / BROKEN[1]).write_bytes(b"")
    (root / BROKEN[2]).write_bytes(b"<html>not found</html>")
    return root


def test_an_error_names_the_broken_pictures_and_how_to_go_on(folder: Path) -> None:
    fault = (
        r"expected no broken image, received 3 broken of 30 images: .*; --broken 0\.1 goes on "
        "without them; the first is .*: expected an image, received: "
    )
    with pytest.raises(ValueError, match=fault) as raised:
        load(folder)
    assert all(name in str(raised.value) for name in BROKEN)
    with pytest.raises(ValueError, match="expected 5 % broken images at most, received 3 broken"):
        load(folder, broken=0.05)


def test_the_share_that_an_error_advises_is_enough(tmp_path: Path) -> None:
    for count in (7, 50, 90, 100):
        for number in range(1, count):
            broken = Broken(tmp_path, 0)
            for _ in range(number):
                broken.add("1.png", ValueError("no image"))
            with pytest.raises(ValueError, match=f"received {number} broken of {count}") as raised:
                broken.notes(count)
            if advised := re.search(r"--broken (\S+) goes on", str(raised.value)):
                broken._share = float(advised[1])
                assert broken.notes(count)
            else:
                assert number > 0.99 * count


@pytest.mark.parametrize("fit", ["resize", "tile"])
def test_what_is_left_is_as_if_they_had_never_been_there(
    folder: Path, tmp_path: Path, fit: str
) -> None:
    data = load(folder, broken=0.1, fit=fit, size="8x6")
    clean = tmp_path / "clean"
    shutil.copytree(folder, clean)
    for name in BROKEN:
        (clean / name).unlink()
    expected = load(clean, fit=fit, size="8x6")
    assert (data.broken, expected.broken) == (3, 0)
    assert data.digest == expected.digest
    assert list(data.sources) == list(expected.sources)
    assert data.labels is not None
    assert expected.labels is not None
    assert data.labels.tolist() == expected.labels.tolist()
    for mine, others in (
        (data.train, expected.train),
        (data.validation, expected.validation),
        (data.test, expected.test),
    ):
        assert mine.indices.tolist() == others.indices.tolist()
    [note] = [each for each in data.notes if "broken" in each]
    assert note.startswith("3 of 30 images are broken and left out: ")
    assert not any("smaller than a tile" in each for each in data.notes)


def test_a_folder_of_broken_pictures_alone_is_refused(tmp_path: Path) -> None:
    for number in range(8):
        (tmp_path / f"{number}.png").write_bytes(b"none")
    with pytest.raises(ValueError, match=r"8 broken of 8 images: 0.png, 1.png, 2.png and 5 more; "):
        load(tmp_path, broken=0.9)


def test_rows_of_a_saved_data_set_without_a_picture_are_broken_ones(
    folder: Path, tmp_path: Path
) -> None:
    files = [path.read_bytes() for path in sorted(folder.rglob("*.png"))]
    saved = tmp_path / "saved"
    saved.mkdir()
    table = pa.table({"image": [{"bytes": each or None, "path": ""} for each in files]})
    with pa.ipc.new_stream(saved / "data.arrow", table.schema) as stream:
        stream.write_table(table)
    (saved / "state.json").write_text(json.dumps({"_data_files": [{"filename": "data.arrow"}]}))
    info = {"features": {"image": {"_type": "Image"}}}
    (saved / "dataset_info.json").write_text(json.dumps(info))
    data = load(saved, broken=0.1)
    broken = [
        number
        for number, path in enumerate(sorted(folder.rglob("*.png")))
        if path.relative_to(folder).as_posix() in BROKEN
    ]
    assert data.broken == len(broken) == 2
    kept = [f"row {number}" for number in range(29) if number not in broken]
    assert list(data.sources) == kept
    info["features"]["other"] = {"_type": "Image"}
    (saved / "dataset_info.json").write_text(json.dumps(info))
    with pytest.raises(ValueError, match="expected one column of images, received image, other"):
        load(saved, broken=0.9)


def test_files_of_other_kinds_are_counted(folder: Path, tmp_path: Path) -> None:
    for name in ("1.gif", "2.GIF", "a/3.gif", "b/notes.txt", "LICENSE", ".hidden", "a/._03.png"):
        (folder / name).write_text("x")
    notes = load(folder, broken=0.1).notes
    assert "5 files of other kinds ignored: .gif (3), no suffix (1), .txt (1)" in notes
    (tmp_path / "gifs").mkdir()
    (tmp_path / "gifs" / "1.gif").write_text("x")
    fault = r"expected a folder with images, received none; 1 file of other kinds ignored: .gif \(1"
    with pytest.raises(FileNotFoundError, match=fault):
        load(tmp_path / "gifs")


def test_links_that_lead_to_no_file_are_named(folder: Path, tmp_path: Path) -> None:
    (folder / "gone.png").symlink_to(tmp_path / "nothing.png")
    (folder / "c").symlink_to(folder / "a")
    (folder / "linked.png").symlink_to(folder / "a" / "01.png")
    data = load(folder, broken=0.1)
    assert "c, gone.png: links to folders or to nothing are ignored" in data.notes
    assert list(data.sources).count("linked.png") == 1


@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_pictures_of_32_bits_are_refused_rather_than_clipped(
    tmp_path: Path, kind: type[np.generic]
) -> None:
    for number in range(12):
        pixels: np.ndarray = RANDOM.uniform(0, 70_000, (8, 8)).astype(kind)
        Image.fromarray(pixels).save(tmp_path / f"{number}.tif")
    with pytest.raises(ValueError, match=r"received 12 broken of 12 images: .* numbers of 32 bits"):
        load(tmp_path)


def test_other_files_beside_tables_and_those_in_sub_folders_are_counted(tmp_path: Path) -> None:
    lines = "\n".join(["x", *map(str, range(20))]) + "\n"
    (tmp_path / "older").mkdir()
    for name in ("a.csv", "b.csv", "older/c.csv", "d.xlsx", ".e.csv"):
        (tmp_path / name).write_text(lines)
    data = load(tmp_path, kind="table")
    assert len(data.train.array) == 40
    assert list(data.notes[:2]) == [
        "1 file of other kinds ignored: .xlsx (1)",
        "1 file in sub-folders ignored",
    ]
