"""How long work will take is learnt from runs, size by size, and what is old is forgotten."""

import math

import pytest

from service.inference.estimates import FORGET_SECONDS, Throughput

TINY, LARGE = 3 * 16 * 16, 3 * 1_500_000
OVERHEAD, EACH = 0.002, 3e-7


def took(numbers: int) -> float:
    """Seconds of a run that has a cost of its own beside that of each number."""
    return OVERHEAD + EACH * numbers


def test_nothing_is_expected_of_a_session_that_has_not_run() -> None:
    throughput = Throughput()
    assert throughput.seconds(LARGE) == 0
    assert throughput.run_seconds(LARGE) is None


def test_tiny_runs_do_not_tell_how_long_large_ones_take() -> None:
    throughput = Throughput()
    throughput.record(LARGE, took(LARGE), 0.0)
    for step in range(10_000):
        throughput.record(TINY, took(TINY), step * 0.01)
    assert throughput.seconds(10 * LARGE) == pytest.approx(10 * took(LARGE))
    assert throughput.run_seconds(TINY) == pytest.approx(took(TINY))


def test_many_tiny_requests_are_expected_to_share_batches() -> None:
    throughput = Throughput()
    throughput.record(TINY, took(TINY), 0.0)
    throughput.record(64 * TINY, took(64 * TINY), 0.0)
    assert throughput.seconds(64 * TINY) == pytest.approx(took(64 * TINY))


@pytest.mark.parametrize("factor", [10.0, 0.1])
@pytest.mark.parametrize("numbers", [TINY, LARGE])
def test_another_pace_is_learnt_within_seconds(factor: float, numbers: int) -> None:
    throughput = Throughput()
    now = 0.0
    for _ in range(50):
        now += took(numbers)
        throughput.record(numbers, took(numbers), now)
    since = now
    while not math.isclose(throughput.seconds(numbers), factor * took(numbers), rel_tol=0.05):
        now += factor * took(numbers)
        throughput.record(numbers, factor * took(numbers), now)
    assert now - since < 10 * max(1.0, factor * took(numbers))


def test_one_run_that_was_held_up_changes_little() -> None:
    throughput = Throughput()
    for seconds in (2.0, 2.0, 60.0):
        throughput.record(LARGE, seconds, 0.0)
    assert throughput.seconds(LARGE) < 2 * 2.0
    throughput.record(LARGE, 2.0, 0.0)
    assert throughput.seconds(LARGE) == pytest.approx(2.0)


def test_a_smaller_size_is_forgotten_once_larger_ones_have_run_for_a_while() -> None:
    throughput = Throughput()
    throughput.record(TINY, 1e-9, 0.0)  # on a machine that was faster
    throughput.record(LARGE, 2.0, 1.0)
    assert throughput.seconds(LARGE) < 0.01
    throughput.record(LARGE, 2.0, FORGET_SECONDS)
    assert throughput.seconds(LARGE) == pytest.approx(2.0)
    throughput.record(TINY, took(TINY), 10 * FORGET_SECONDS)  # the large size stays
    assert throughput.seconds(LARGE) == pytest.approx(2.0)
