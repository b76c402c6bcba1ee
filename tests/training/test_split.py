"""Parts hold each item once; windows reach from no part into the next."""

from collections.abc import Sequence

import numpy as np
import pytest

from service.rows import Window
from training.datasets.description import Split
from training.datasets.split import Parts, by_groups, by_time


def every(parts: Parts) -> list[int]:
    return sorted(np.concatenate([parts.train, parts.validation, parts.test]).tolist())


@pytest.mark.parametrize("test", [0.0, 0.1, 0.25])
def test_each_item_is_in_one_part(test: float) -> None:
    parts = by_groups(np.arange(100), Split(test=test))
    assert every(parts) == list(range(100))
    assert (len(parts.validation), len(parts.test)) == (10, 100 * test)


def test_the_items_of_a_group_stay_together() -> None:
    groups = np.repeat(np.arange(20), 7)
    parts = by_groups(groups, Split(validation=0.2, seed=3))
    assert every(parts) == list(range(140))
    for one, other in ((parts.train, parts.validation), (parts.train, parts.test)):
        assert not set(groups[one]) & set(groups[other])
    assert len(parts.validation) == 28


def test_small_parts_are_refused() -> None:
    with pytest.raises(ValueError, match="x: expected at least 6 items to train on, received 4"):
        by_groups(np.arange(7), Split()).checked("x")
    with pytest.raises(ValueError, match="expected at least 2 items to validate with, received 0"):
        by_time([50], Window(steps=10, stride=1), Split())[0].checked("x")


@pytest.mark.parametrize("window", [(5, 1), (5, 5), (5, 7), (1, 1)])
@pytest.mark.parametrize("lengths", [[100], [60, 200, 3], [50, 50]])
def test_no_window_crosses_a_part_or_a_series(
    lengths: Sequence[int], window: tuple[int, int]
) -> None:
    steps, stride = window
    parts, left = by_time(lengths, Window(steps=steps, stride=stride), Split(validation=0.2))
    owner = np.full(sum(lengths), -1)
    series = np.repeat(np.arange(len(lengths)), lengths)
    for number, part in enumerate((parts.train, parts.validation, parts.test)):
        for start in part:
            rows = slice(start, start + steps)
            assert len(set(series[rows])) == 1
            assert set(owner[rows]) <= {-1, number}
            owner[rows] = number
    assert left == (owner == -1).sum()
    ends = np.cumsum(lengths)
    for end, length in zip(ends, lengths, strict=True):
        if length >= 50:  # in time: first what is trained on, last what is tested with
            order = owner[end - length : end]
            assert list(order[order >= 0]) == sorted(order[order >= 0])
