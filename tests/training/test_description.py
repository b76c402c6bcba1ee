"""What one's own data are is said in a YAML file or on the command line, and checked."""

from pathlib import Path
from typing import Any

import pytest

from service.rows import Window
from training.datasets.description import Split, describe, parse

TEXT = """
path: machines.csv
label: state
missing: mask
split: {validation: 0.2, seed: 7}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "machines.csv").write_text("a,b\n1,2\n")
    (tmp_path / "machines.yaml").write_text(TEXT)
    return tmp_path


def test_a_description_is_read_from_yaml_and_its_path_is_relative_to_it(folder: Path) -> None:
    found = describe(folder / "machines.yaml", {})
    assert found.path == str(folder / "machines.csv")
    assert (found.kind, found.label, found.missing) == ("table", "state", "mask")
    assert found.split == Split(validation=0.2, test=0.1, seed=7)


def test_the_command_line_changes_single_fields(folder: Path) -> None:
    window = {"steps": 5, "stride": 2}
    changes = {"kind": "sequences", "window": window, "split": {"test": 0.3}}
    found = describe(folder / "machines.yaml", changes)
    assert found.window == Window(steps=5, stride=2)
    assert found.split == Split(validation=0.2, test=0.3, seed=7)


@pytest.mark.parametrize(
    ("name", "changes", "kind"),
    [
        ("machines.csv", {}, "table"),
        ("machines.csv", {"window": {"steps": 3, "stride": 1}}, "sequences"),
        ("machines.csv", {"series": "a"}, "sequences"),
        ("pictures", {}, "images"),
    ],
)
def test_the_kind_of_data_is_guessed(
    folder: Path, name: str, changes: dict[str, Any], kind: str
) -> None:
    (folder / "pictures").mkdir()
    assert describe(folder / name, changes).kind == kind


@pytest.mark.parametrize(("size", "expected"), [("64x48", (64, 48)), (32, (32, 32))])
def test_a_size_is_a_width_and_a_height(
    tmp_path: Path, size: str | int, expected: tuple[int, int]
) -> None:
    found = describe(tmp_path, {"kind": "images", "size": size})
    assert found.size == expected
    assert parse(found.model_dump(mode="json"), "a manifest") == found


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("path: machines.csv\nkinds: table", "kinds: expected no such field, received 'table'"),
        ("path: machines.csv\nsize: 64", "size: expected no such field for table"),
        ("path: machines.csv\nsplit: {validation: 0.6, test: 0.5}", "leave something to train on"),
        ("path: machines.csv\nmissing: ignore", "missing: expected 'refuse' or 'mask', received"),
        ("path: machines.npy", "kind: expected images, sequences or table, received none"),
        ("kind: images\npath: .\nsize: 8x", "size: expected WIDTHxHEIGHT or one number, received"),
        ("kind: images\npath: .\nsize: 2", "size.0: expected at least 4, received 2"),
        ("path: 2020-01-01", "expected a description with a path, received"),
        ("kind: table", "expected a description with a path, received"),
        ("path: [", "expected YAML, received"),
        ("path: machines.csv\nlicence: 2020-01-01", "expected texts and numbers, received"),
    ],
)
def test_a_description_that_is_wrong_says_where(folder: Path, text: str, error: str) -> None:
    (folder / "wrong.yaml").write_text(text)
    with pytest.raises(ValueError, match=error) as raised:
        describe(folder / "wrong.yaml", {})
    assert "wrong.yaml" in str(raised.value) or "kind: expected" in str(raised.value)


def test_a_path_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"received none at .*nothing"):
        describe(tmp_path / "nothing", {})
