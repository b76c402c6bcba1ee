"""Indexes of codings: built by the served graphs, of images, tables and series of one's own."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from service.inference.loader import load
from service.manifest import Manifest
from tests.service.tiny import write_model
from tests.training.pca import Pca
from training.cli import main
from training.datasets import columns
from training.datasets.description import describe
from training.datasets.fashion_mnist import CLASSES, FashionMnist
from training.indexing.build import _check_sizes

Items = list[tuple[str, str | None]]


def write_own(root: Path, model: str, **data: Any) -> Path:
    """Write a tiny model of one's own data, as its training would have described them."""
    folder = write_model(root / "models", model)
    manifest = Manifest.read(folder)
    described = {"path": "gone", "sha256": "0" * 64, **data}
    provenance = manifest.provenance.model_copy(update={"data": described})
    manifest.model_copy(update={"provenance": provenance}).write(folder)
    return folder


def index(folder: Path, *options: str) -> None:
    main(["index", folder.parent.name, "--models", str(folder.parents[1]), *options])


def items_of(folder: Path) -> Items:
    """The items of an index, whose codings are those that the served graph gives."""
    model = load(folder)
    assert model.items
    assert model.manifest.index
    found = model.items.of(range(model.manifest.index.count))
    return [(item.id, item.label) for item in found]


def codings_of(folder: Path) -> Any:
    return np.load(folder / "index-codings.npy")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for name, shade in (("dark/a.png", 10), ("dark/b.jpg", 30), ("light/a.png", 200)):
        path = tmp_path / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((9, 8), shade, np.uint8)).save(path)
    return tmp_path / "pictures"


def test_pictures_are_named_by_their_paths_and_of_the_class_of_their_folder(
    tmp_path: Path, pictures: Path
) -> None:
    folder = write_own(tmp_path, "mirror", kind="images")
    index(folder, "--data", str(pictures))
    assert items_of(folder) == [
        ("dark/a.png", "dark"),
        ("dark/b.jpg", "dark"),
        ("light/a.png", "light"),
    ]
    means = 255 * codings_of(folder).mean(axis=1)
    assert means.tolist() == pytest.approx([10, 30, 200], abs=1.5)
    described = load(folder).manifest.index
    assert described
    assert (described.data, described.dimension) == ("3 images of pictures", 16)
    card = (folder / "README.md").read_text()
    assert "Codings of 3 images of pictures, (3, 16), euclidean distances." in card


def test_tiles_say_where_they_lie(tmp_path: Path, pictures: Path) -> None:
    folder = write_own(tmp_path, "mirror", kind="images", fit="tile")
    index(folder, "--data", str(pictures), "--first", "5")
    tiles = ["0,0,4,4", "4,0,4,4", "0,4,4,4", "4,4,4,4"]
    expected = [f"dark/a.png#xywh={tile}" for tile in tiles] + ["dark/b.jpg#xywh=0,0,4,4"]
    assert [name for name, _ in items_of(folder)] == expected


def test_an_array_of_images_is_named_by_numbers(tmp_path: Path) -> None:
    folder = write_own(tmp_path, "dim-colours", kind="images")
    pixels = np.random.default_rng(0).integers(0, 256, (300, 2, 3, 3), np.uint8)
    np.save(tmp_path / "images.npy", pixels)
    index(folder, "--data", str(tmp_path / "images.npy"))
    assert items_of(folder) == [(str(number), None) for number in range(300)]
    np.testing.assert_allclose(codings_of(folder), pixels.reshape(300, 18) / np.float32(255))
    np.save(tmp_path / "images.npy", pixels[:, 1:])
    with pytest.raises(
        SystemExit, match=r"expected uint8 \(images, 2, 3, 3\), received uint8 \(300"
    ):
        index(folder, "--data", str(tmp_path / "images.npy"))
    assert len(items_of(folder)) == 300  # as it was


@pytest.fixture
def table(tmp_path: Path) -> Path:
    lines = ["size,colour,state,code", "1,red,ok,A1", "2.5,green,ok,B2", "4,red,bad,C3"]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_rows_are_named_by_their_numbers_or_by_a_column(tmp_path: Path, table: Path) -> None:
    folder = write_own(tmp_path, "table", kind="table", path=str(table), label="state")
    index(folder)  # of the data of the training
    assert items_of(folder) == [("0", "ok"), ("1", "ok"), ("2", "bad")]
    assert codings_of(folder).tolist() == [[1, 1, 0], [2.5, 0, 1], [4, 1, 0]]
    index(folder, "--key", "code")
    assert items_of(folder) == [("A1", "ok"), ("B2", "ok"), ("C3", "bad")]
    index(folder, "--key", "size", "--label", "colour")  # which the model takes, too
    assert items_of(folder) == [("1", "red"), ("2.5", "green"), ("4", "red")]
    assert codings_of(folder)[1].tolist() == [2.5, 0, 1]


def test_rows_of_several_files_are_named_by_their_files(tmp_path: Path, table: Path) -> None:
    folder = write_own(tmp_path, "table", kind="table")
    (tmp_path / "tables").mkdir()
    for name in ("a.csv", "b.csv"):
        (tmp_path / "tables" / name).write_text(table.read_text())
    index(folder, "--data", str(tmp_path / "tables"))
    expected = ["a.csv#0", "a.csv#1", "a.csv#2", "b.csv#0", "b.csv#1", "b.csv#2"]
    assert [name for name, _ in items_of(folder)] == expected


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        (
            ["size,colour", "1,red", "2,blue"],
            "rows[1].colour: expected one of red, green, received",
        ),
        (["size,colour", "1,red", ",red"], "rows[1].size: expected a number, received none"),
        (["size,colour", "1,red", "x,red"], "rows[1].size: expected a number, received 'x'"),
        (["size", "1"], "expected a column colour, received size"),
    ],
)
def test_wrong_rows_are_named(tmp_path: Path, lines: list[str], fault: str) -> None:
    folder = write_own(tmp_path, "table", kind="table")
    path = tmp_path / "wrong.csv"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(SystemExit) as raised:
        index(folder, "--data", str(path))
    assert str(path) in str(raised.value)
    assert fault in str(raised.value)
    assert not list(folder.glob("index-*"))


def test_windows_are_named_by_their_first_rows(tmp_path: Path) -> None:
    rows = ["x,y,state,time,pump"]
    rows += [f"{x},{-x},{'late' if x > 5 else 'early'},t{x},A" for x in range(8)]
    rows += [f"{x},0,early,u{x},B" for x in range(4)]
    path = tmp_path / "series.csv"
    path.write_text("\n".join(rows) + "\n")
    folder = write_own(tmp_path, "series", kind="sequences", label="state", series="pump")
    index(folder, "--data", str(path))
    expected: Items = [("0", "early"), ("2", "early"), ("4", "late"), ("8", "early")]
    assert items_of(folder) == expected
    assert codings_of(folder).tolist() == [[1, -1], [3, -3], [5, -5], [1, 0]]  # of three rows each
    index(folder, "--data", str(path), "--key", "time")
    assert [name for name, _ in items_of(folder)] == ["t0", "t2", "t4", "u0"]
    path.write_text("\n".join(rows[:3]) + "\n")
    with pytest.raises(SystemExit, match="expected a series of 3 rows, received 2"):
        index(folder, "--data", str(path))


def test_arrays_are_sequences_or_the_rows_of_one_series(tmp_path: Path) -> None:
    folder = write_own(tmp_path, "series", kind="sequences")
    path = tmp_path / "series.npy"
    rows = np.arange(14, dtype=np.float32).reshape(7, 2)
    np.save(path, rows)
    index(folder, "--data", str(path))
    assert [name for name, _ in items_of(folder)] == ["0", "2", "4"]
    np.save(path, rows[:6].reshape(2, 3, 2))
    index(folder, "--data", str(path))
    assert [name for name, _ in items_of(folder)] == ["0", "1"]
    assert codings_of(folder).tolist() == [[2, 3], [8, 9]]
    np.save(path, rows[:, :1])
    with pytest.raises(SystemExit, match=r"expected numbers \(items, steps, 2\) or \(rows, 2\)"):
        index(folder, "--data", str(path))


def test_every_neighbour_is_found_among_real_codings(
    tmp_path: Path, samples: Path, data: FashionMnist
) -> None:
    folder = Pca(data.train).write(tmp_path / "models", "pca")
    index(folder, "--data", str(samples))
    assert items_of(folder)[1_199] == ("train/1199", CLASSES[data.validation_labels[-1]])
    index(folder, "--data", str(samples), "--part", "test", "--metric", "cosine")
    items = items_of(folder)
    assert items[7] == ("test/7", CLASSES[data.test_labels[7]])
    assert len(items) == 200
    model = load(folder)
    queries = model.infer("encode", data.validation).astype(np.float64)
    found = model.infer("neighbours", queries.astype(np.float32), steps=10)
    codings = model.infer("encode", data.test).astype(np.float64)
    lengths = [np.linalg.norm(each, axis=1, keepdims=True) for each in (queries, codings)]
    cosines = (queries / lengths[0]) @ (codings / lengths[1]).T
    expected = np.argsort(-cosines, axis=1)[:, :10]
    hits = [len(np.intersect1d(*pair)) for pair in zip(found[..., 0], expected, strict=True)]
    assert np.mean(hits) / 10 == 1
    nearest = np.take_along_axis(1 - cosines, expected, axis=1)
    np.testing.assert_allclose(found[..., 1], nearest, atol=1e-6)


def test_an_index_is_rebuilt_beside_what_a_service_has_mapped(tmp_path: Path, table: Path) -> None:
    folder = write_own(tmp_path, "table", kind="table", path=str(table))
    index(folder)
    mapped = np.load(folder / "index-codings.npy", mmap_mode="r")
    index(folder, "--first", "1")
    assert mapped[:, 0].tolist() == [1, 2.5, 4]
    (folder / "index-items.jsonl").unlink()  # a broken index is no obstacle
    index(folder, "--first", "2")
    assert len(items_of(folder)) == 2
    assert {path.name for path in folder.glob("index*")} == {
        "index-codings.npy",
        "index-items.jsonl",
    }


def test_what_has_no_codings_has_no_index(tmp_path: Path, table: Path) -> None:
    folder = write_own(tmp_path, "table", kind="table")
    with pytest.raises(SystemExit, match="--data: expected a file or a folder, received none at"):
        index(folder)
    table.write_text("size,colour\n")
    with pytest.raises(SystemExit, match="index: expected 1 to 16,777,216 items, received none"):
        index(folder, "--data", str(table))
    images = write_own(tmp_path, "mirror", kind="images")
    with pytest.raises(SystemExit, match="--key: expected none with images"):
        index(images, "--data", str(tmp_path), "--key", "code")
    photo = write_model(tmp_path / "models", "photo")
    with pytest.raises(SystemExit, match="expected models that encode, received photo"):
        index(photo)


def test_codings_of_several_sizes_have_no_index(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "models", "rows")
    manifest = Manifest.read(folder)
    decode = manifest.operations["decode"]  # which gives as many rows as are asked for
    graphs = {"encode": decode.model_copy(update={"steps": None}), "decode": decode}
    with pytest.raises(
        ValueError, match=r"expected codings of one size, received \(batch, steps, 4\)"
    ):
        _check_sizes(manifest.model_copy(update={"operations": graphs}))


def test_a_key_is_no_feature(tmp_path: Path, table: Path) -> None:
    read = columns.read(describe(table, {"key": "code", "label": "state"}))
    assert [field.name for field in read.fields] == ["size", "colour"]
    with pytest.raises(ValueError, match="expected a column number, received size, colour, state"):
        columns.read(describe(table, {"key": "number"}))
    with pytest.raises(ValueError, match="key: expected no such field for images"):
        describe(tmp_path, {"kind": "images", "key": "code"})
