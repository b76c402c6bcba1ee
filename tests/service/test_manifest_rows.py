"""The part of a manifest on models of rows, and what scores are compared with."""

import re
from typing import Any

import pytest

from service.manifest import Manifest
from tests.service.tiny import IMAGES, PROVENANCE

NUMBER = {"name": "pressure", "categories": [], "scale": 2.5}
CATEGORY = {"name": "state", "categories": ["on", "off"], "scale": 1}
TABLE = {"columns": [NUMBER, CATEGORY], "missing": False, "window": None}
CALIBRATION = {
    "data": "100 rows", "items": 100, "mean": 0.5, "deviation": 0.1,
    "shares": [0, 0.5, 1], "scores": [0.1, 0.5, 2],
}  # fmt: skip


def document(*shape: object, **changes: Any) -> dict[str, Any]:
    taken = {"name": "rows", "dtype": "float32", "shape": shape}
    none = dict.fromkeys(("steps", "sigma", "tiles", "profile", "mosaic"))
    graph = {"file": "e.onnx", "sha256": "0" * 64, "input": taken, "output": taken} | none
    return {
        "schema_version": 4, "name": "valves", "version": 1, "summary": "", "pixels": None,
        "rows": TABLE, "operations": {"encode": graph}, "measurements": [],
        "provenance": PROVENANCE.model_dump(), "calibration": CALIBRATION,
    } | changes  # fmt: skip


def test_rows_have_a_feature_for_each_number_and_each_value_of_a_category() -> None:
    manifest = Manifest.model_validate(document("batch", 3))
    assert manifest.rows
    assert manifest.rows.features == 3
    assert [column.features for column in manifest.rows.columns] == [1, 2]


@pytest.mark.parametrize(
    ("shape", "window"),
    [
        (("batch", 3), None),
        (("batch", "steps", 3), None),
        (("batch", "steps", 3), {"steps": 8, "stride": 4}),
        (("batch", 8, 3), {"steps": 8, "stride": 4}),
    ],
)
def test_graphs_take_rows_or_sequences_of_them(
    shape: tuple[object, ...], window: dict[str, int] | None
) -> None:
    Manifest.model_validate(document(*shape, rows=TABLE | {"window": window}))


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        (
            {"pixels": {"mode": "L", "scale": 1}},
            "pixels, rows: expected one of them, received both",
        ),
        ({"rows": None}, "pixels, rows: expected one of them, received neither"),
        ({"rows": TABLE | {"columns": [NUMBER]}}, "expected rows of shape (batch, 1), received"),
        (
            {"rows": TABLE | {"window": {"steps": 8, "stride": 4}}},
            "expected rows of shape (batch, 8, 3), received (batch, 3)",
        ),
        (
            {"rows": TABLE | {"columns": [NUMBER, NUMBER, NUMBER]}},
            "columns: expected each name once, received pressure, pressure, pressure",
        ),
        ({"calibration": CALIBRATION | {"shares": [0, 1]}}, "scores: expected 2, one for each"),
        (
            {"calibration": CALIBRATION | {"shares": [0, 0.5, 0.9]}},
            "shares: expected them from 0 to 1, received 0.0 to 0.9",
        ),
        (
            {"calibration": CALIBRATION | {"scores": [1, 0.5, 2]}},
            "scores: expected rising numbers",
        ),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=re.escape(fault)):
        Manifest.model_validate(document("batch", 3, **changes))


def test_images_are_no_rows() -> None:
    with pytest.raises(ValueError, match=re.escape("received (batch, 4, 4)")):
        Manifest.model_validate(document(*IMAGES.shape))
