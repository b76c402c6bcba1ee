"""Calibration: the quantiles of scores, as far as so many items tell them."""

from pathlib import Path

import numpy as np
import pytest

from service.errors import InvalidValue
from service.inference.anomalies import ranks, threshold
from service.inference.loader import load
from tests.service.tiny import write_model
from training.calibration import calibrate, summary


def test_a_threshold_is_exceeded_by_the_share_that_was_asked_for() -> None:
    scores = np.random.default_rng(1).gamma(2.0, size=20_000)
    calibration = summary(scores, "random numbers")
    assert calibration.items == 20_000
    assert calibration.mean == pytest.approx(scores.mean(), rel=1e-5)
    assert calibration.deviation == pytest.approx(scores.std(), rel=1e-5)
    for rate in (0.0001, 0.001, 0.01, 0.05, 0.3):
        above = threshold(calibration, rate)
        assert np.mean(scores > above.score) == pytest.approx(rate, rel=0.05, abs=1e-4)
    found = ranks(np.quantile(scores, [0, 0.25, 0.97, 1]), calibration, above)
    assert found.percentiles == pytest.approx([0, 25, 97, 100], abs=0.2)


def test_shares_that_few_items_do_not_tell_are_left_out() -> None:
    calibration = summary(np.arange(10.0), "ten numbers")
    assert max(share for share in calibration.shares if share < 1) == 0.9
    assert calibration.scores[-1] == 9.0
    # The last two differ by rounding alone, as of equal items in batches of other sizes.
    for alike in ([1.0, 1.0], [1.0], [np.nan, 2.0], [0.0, 0.0], [3e-3, 3.00000003e-3]):
        with pytest.raises(ValueError, match="calibration: expected scores that differ"):
            summary(np.array(alike), "too few")


def test_the_lowest_rate_that_an_error_names_is_accepted() -> None:
    calibration = summary(np.arange(30.0), "thirty numbers")
    with pytest.raises(InvalidValue, match=r"expected at least 0\.0333333, as") as raised:
        threshold(calibration, 0.033)
    named = float(str(raised.value).split()[4].rstrip(","))
    assert threshold(calibration, named).score == pytest.approx(28, abs=0.5)


def test_a_model_is_calibrated_by_the_code_that_serves_it(tmp_path: Path) -> None:
    model = load(write_model(tmp_path, "dim"))
    images = np.random.default_rng(2).random((1200, 4, 4)).astype(np.float32)
    calibration = calibrate(model, np.split(images, 3), "1,200 images")
    assert calibration
    expected = np.square(images / 2).mean(axis=(1, 2))
    assert calibration.mean == pytest.approx(expected.mean(), rel=1e-5)
    assert calibration.scores[-1] == pytest.approx(expected.max(), rel=1e-5)
    assert calibrate(load(write_model(tmp_path, "photo")), [images], "1,200 images") is None
