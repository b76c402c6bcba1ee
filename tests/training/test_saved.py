"""Data sets of Hugging Face are read from the folders that `datasets` 5.2 has saved."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from training.datasets import images, tables
from training.datasets.description import describe

SAVED = Path(__file__).parents[1] / "data" / "hugging_face"


def test_images_are_those_of_all_files_with_their_classes() -> None:
    description = describe(SAVED / "pictures", {"size": "16x12"})
    assert description.kind == "images"
    data = images.load(description)
    array = np.asarray(data.train.array)
    assert array.shape == (24, 12, 16, 3)
    # Images with an even number were made around 60, the others around 180.
    np.testing.assert_allclose(array.mean(axis=(1, 2, 3)), np.tile([60, 180], 12), atol=8)
    assert data.labels is not None
    assert data.labels.tolist() == ["dark", "light"] * 12
    assert data.sources[:2] == ["row 0", "row 1"]


def test_sizes_that_differ_are_told_as_of_files() -> None:
    with pytest.raises(ValueError, match="which have 3 sizes, received none"):
        images.load(describe(SAVED / "pictures", {}))


def test_columns_are_numbers_texts_and_classes_by_name() -> None:
    description = describe(SAVED / "table", {"label": "state"})
    assert description.kind == "table"
    data = tables.load(description)
    assert data.rows
    assert [column.name for column in data.rows.columns] == ["load", "mode", "count"]
    assert data.rows.columns[1].categories == ("idle", "run")
    array = np.asarray(data.train.array)
    counts = [number for number in range(30) if number != 7]  # which was filtered out
    assert array[:, 3].tolist() == counts
    assert data.labels is not None
    assert data.labels.tolist() == [("good", "good", "worn")[number % 3] for number in counts]
    assert any(note.startswith("column tags is left out: ") for note in data.notes)
    feature = tables.load(describe(SAVED / "table", {"columns": ["load", "state"]}))
    assert feature.rows
    assert feature.rows.columns[1].categories == ("good", "worn")


def test_of_several_splits_one_is_to_be_named() -> None:
    with pytest.raises(ValueError, match="expected one split of a data set, such as "):
        describe(SAVED / "splits", {})
    assert describe(SAVED / "splits" / "train", {}).kind == "table"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda folder: (folder / "state.json").write_text("{"), "state.json: expected JSON"),
        (
            lambda folder: (folder / "data-00001-of-00002.arrow").write_bytes(b"none"),
            "pictures: expected Arrow files",
        ),
        (
            lambda folder: (folder / "data-00001-of-00002.arrow").unlink(),
            "pictures: expected Arrow files",
        ),
    ],
)
def test_what_is_damaged_is_named(tmp_path: Path, change: object, expected: str) -> None:
    folder = tmp_path / "pictures"
    shutil.copytree(SAVED / "pictures", folder)
    assert callable(change)
    change(folder)
    with pytest.raises(ValueError, match=expected):
        images.load(describe(folder, {"size": "16x12"}))


def test_images_are_one_column(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    shutil.copytree(SAVED / "pictures", folder)
    info = json.loads((folder / "dataset_info.json").read_text())
    info["features"]["mask"] = {"_type": "Image"}
    (folder / "dataset_info.json").write_text(json.dumps(info))
    with pytest.raises(ValueError, match="expected one column of images, received image, mask"):
        images.load(describe(folder, {"size": "16x12"}))
