"""Windows of a series that comes in pieces are those of the series as a whole."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.inference.features import windows
from service.inference.sliding_windows import SlidingWindows
from service.rows import Window


@given(
    window=st.builds(Window, steps=st.integers(1, 6), stride=st.integers(1, 8)),
    pieces=st.lists(st.integers(0, 5), max_size=12),
)
def test_pieces_are_cut_as_the_whole_is(window: Window, pieces: list[int]) -> None:
    whole = np.random.default_rng(0).random((sum(pieces), 2), np.float32)
    sliding, first = SlidingWindows(window, 2), 0
    starts, arrays = [], []
    for count in pieces:
        cut = sliding.push(whole[first : first + count])
        starts.extend(cut.starts.tolist())
        arrays.append(cut.array)
        first += count
    assert sliding.rows == len(whole)
    if len(whole) < window.steps:
        assert (starts, sliding.left_over) == ([], len(whole))
        return
    expected, series = windows(whole, window)
    assert (starts, sliding.left_over) == (series.starts.tolist(), series.left_over)
    np.testing.assert_array_equal(np.concatenate(arrays), expected)
