"""What reports say of scores: the worst items, the threshold, and how sure it is."""

from dataclasses import replace

import numpy as np
import pytest

from service.inference.anomalies import Threshold
from tests.training.pca import Pca
from tests.training.reported import DATA, of_images, of_windows
from training.report import alarms, figures
from training.report.measure import measure, spread
from training.results import Windows


def test_the_threshold_the_worst_and_the_means_are_those_of_the_scores() -> None:
    results = of_images()
    measured = measure(results)
    restored = Pca(DATA.train, 16).reconstruct(DATA.test[:40])
    expected = ((restored - DATA.test[:40]) ** 2).mean(axis=(1, 2))
    np.testing.assert_allclose(measured.test, expected, rtol=1e-5)
    np.testing.assert_array_equal(measured.worst.positions, np.argsort(-expected)[:10])
    np.testing.assert_array_equal(measured.samples.positions, spread(40, 10))
    assert measured.codings.shape == (40, 16)
    assert measured.above
    # Of 60 items, one may lie above.
    assert measured.above.rate == pytest.approx(1 / 60)
    assert np.count_nonzero(measured.validation > measured.above.score) == 1
    by_class = {each.name: each for each in figures.classes(results, measured)}
    is_bag = np.asarray(results.test.labels) == "Bag"
    assert by_class["Bag"].items == is_bag.sum()
    assert by_class["Bag"].score == pytest.approx(expected[is_bag].mean(), rel=1e-5)


def test_the_worst_windows_do_not_overlap() -> None:
    results = of_windows()
    worst = measure(results).worst.positions.tolist()
    scores = measure(results).test
    assert worst[0] == np.nanargmax(scores)
    assert all(abs(one - other) >= 7 for one in worst for other in worst if one != other)
    # Nothing that is left out is worse than one that is shown, but for its overlap.
    for position in set(range(30)) - set(worst):
        ahead = [each for each in worst if scores[each] >= scores[position]]
        assert len(worst) == len(ahead) or any(abs(each - position) < 7 for each in ahead)


def test_windows_that_do_not_overlap_are_counted_in_any_order_of_series() -> None:
    assert Windows(np.arange(217), 24).apart() == 10
    assert Windows(np.arange(0, 40, 4), 4).apart() == 10
    assert Windows(np.array([30, 0, 3, 33, 6]), 6).apart() == 3


def test_a_threshold_says_its_rate_and_how_few_items_place_it() -> None:
    results = of_images()
    measured = measure(results)
    assert figures.figures(results, measured)["its false-alarm rate"] == "1.67 %"
    told = list(alarms.remarks(results, measured))
    assert told[0].startswith("The false-alarm rate of 1.67 % is the lowest that 60 items")
    assert measured.above
    far = replace(measured, test=np.where(np.arange(40) < 8, 9.0, 0.0))
    assert (
        "20 % of the test part lie above the threshold, more than chance"
        in list(alarms.remarks(results, far))[1]
    )
    near = replace(measured, test=np.where(np.arange(40) < 1, 9.0, 0.0))
    assert len(list(alarms.remarks(results, near))) == 1
    overlapping = list(alarms.remarks(of_windows(), replace(near, above=Threshold(0.01, 1.0))))
    assert len(overlapping) == 1
    assert overlapping[0].startswith("The validation part has 15 windows, of which 3 do not")
