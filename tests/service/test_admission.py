"""What is admitted is bounded, and who is not is told when to come again."""

import contextlib
import time

import pytest

from service.errors import Overloaded
from service.inference.admission import LONGEST_WAIT, PACE, Admission, Ticket

MP = 1_000_000


class Clock:
    """The time, which goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "perf_counter", clock)
    return clock


def test_items_beyond_the_limit_are_refused_until_others_have_left() -> None:
    admission = Admission(max_items=2, max_bytes=100)
    first, second = admission.admit(), admission.admit()
    with pytest.raises(Overloaded, match="at most 2 waiting items, received more"):
        admission.admit()
    with first, second:
        pass
    admission.admit()
    assert (admission.items, admission.requests) == (1, 1)


def test_bytes_beyond_the_limit_are_refused_until_others_have_left() -> None:
    admission = Admission(max_items=10, max_bytes=100)
    with admission.admit(60):
        with pytest.raises(Overloaded, match="at most 100 bytes of waiting requests, received 101"):
            admission.admit(41)
        with admission.admit(40):
            pass
    assert (admission.items, admission.bytes) == (0, 0)


def test_a_request_larger_than_everything_is_admitted_alone() -> None:
    admission = Admission(max_items=4, max_bytes=100)
    with admission.admit(1000) as ticket:
        ticket.grow(items=99, size=500)
        assert (admission.items, admission.bytes) == (100, 1500)
        with pytest.raises(Overloaded):
            admission.admit()
    assert (admission.items, admission.bytes, admission.requests) == (0, 0, 0)


def test_what_grows_beside_others_is_refused_and_leaves_nothing_behind() -> None:
    admission = Admission(max_items=4, max_bytes=100)
    with admission.admit(50):
        with pytest.raises(Overloaded, match="received 101"), admission.admit() as growing:
            growing.grow(items=9, size=51)
        assert (admission.items, admission.bytes, admission.requests) == (1, 50, 1)


def test_the_wait_is_what_is_here_by_how_fast_it_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(time, "perf_counter", lambda: now)
    admission = Admission(max_items=1000, max_bytes=100)
    assert admission.wait() == 1  # nothing is known yet
    for _ in range(20):
        with admission.admit():
            now += 0.1  # ten a second
    waiting = [admission.admit() for _ in range(70)]
    assert admission.wait() == 7
    waiting += [admission.admit() for _ in range(900)]
    assert admission.wait() == LONGEST_WAIT
    with pytest.raises(Overloaded) as refused:
        waiting[0].grow(size=101)
    assert refused.value.headers == {"Retry-After": str(LONGEST_WAIT)}


def test_time_that_nobody_was_inside_makes_no_wait_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(time, "perf_counter", lambda: now)
    admission = Admission(max_items=100, max_bytes=100)
    for _ in range(20):
        with admission.admit():
            now += 0.1  # ten a second
        now += 5.0
    now += 600.0
    burst = [admission.admit() for _ in range(10)]
    assert admission.wait() == 1
    now += 0.5
    with burst.pop():
        pass
    assert admission.wait() == 1
    for ticket in burst:
        with ticket:
            now += 0.1
    now += 600.0
    assert admission.wait() == 1
    burst = [admission.admit() for _ in range(80)]
    assert 8 <= admission.wait() <= 14


def test_pixels_beyond_the_limit_are_refused_beside_other_photographs_alone() -> None:
    admission = Admission(max_items=10, max_bytes=100, max_pixels=50)
    refused = pytest.raises(
        Overloaded, match="at most 50 pixels of waiting photographs, received 81"
    )
    with admission.admit(), admission.admit() as first:
        first.grow(pixels=80)  # larger than everything, and the only photograph
        with refused, admission.admit() as second:
            second.grow(pixels=1)
        first.done(40)  # which are in memory until it is answered
        assert (admission.pixels, admission.held) == (40, 80)
        with refused, admission.admit() as second:
            second.grow(pixels=1)
    assert (admission.pixels, admission.held) == (0, 0)
    with admission.admit() as first, admission.admit() as second:
        first.grow(pixels=40)
        second.grow(pixels=10)


def test_the_wait_is_that_of_the_pixels_where_they_take_longer(clock: Clock) -> None:
    admission = Admission(max_items=10, max_bytes=100, max_pixels=100 * MP)
    with admission.admit() as ticket:
        ticket.grow(pixels=40 * MP)
        assert admission.wait() == 40 * MP / PACE  # as nothing is known yet
        for _ in range(5):
            clock.now += 2.0
            ticket.done(4 * MP)  # two a second
            assert admission.wait() == ticket.pixels / (2 * MP)


def test_who_is_refused_makes_no_wait_shorter(clock: Clock) -> None:
    admission = Admission(max_items=10, max_bytes=100, max_pixels=64 * MP)
    with admission.admit() as ticket:
        ticket.grow(pixels=40 * MP)
        for left in range(39, 0, -1):
            clock.now += 1.0
            ticket.done(MP)
            with pytest.raises(Overloaded) as refused, admission.admit() as more:
                more.grow(pixels=40 * MP)
            assert refused.value.headers == {"Retry-After": str(left)}
            assert (admission.pixels, admission.held) == (left * MP, 40 * MP)


def test_what_is_cancelled_makes_no_wait_shorter(clock: Clock) -> None:
    admission = Admission(max_items=100, max_bytes=100, max_pixels=64 * MP)
    with admission.admit() as stays:
        stays.grow(pixels=20 * MP)
        for _ in range(5):
            clock.now += 1.0
            stays.done(MP)
            with contextlib.suppress(TimeoutError), admission.admit() as gone:
                gone.grow(items=9, pixels=30 * MP)
                raise TimeoutError
        assert admission.wait() == 15
    for _ in range(20):
        with admission.admit():
            clock.now += 0.1  # ten a second
        with pytest.raises(Overloaded), admission.admit(100), admission.admit() as refused:
            refused.grow(items=50, size=1)
    waiting = [admission.admit() for _ in range(80)]
    assert len(waiting) / 10 <= admission.wait() <= len(waiting) / 10 + 1


def test_photographs_that_take_no_time_do_not_tell_how_long_others_take(clock: Clock) -> None:
    admission = Admission(max_items=10, max_bytes=100, max_pixels=64 * MP)
    for _ in range(1000):
        with admission.admit() as tiny:
            tiny.grow(pixels=25)
            clock.now += 0.01  # which goes into reading it
            tiny.done(25)
    with admission.admit() as large:
        large.grow(pixels=10 * MP)
        assert admission.wait() == 10 * MP / PACE


def test_photographs_that_would_wait_too_long_are_refused(clock: Clock) -> None:
    admission = Admission(max_items=100, max_bytes=100, max_pixels=64 * MP, patience=15)
    tickets: list[Ticket] = []

    def fill(count: int) -> None:
        """Admit photographs until there are so many, and one is refused as they take 16 s."""
        while len(tickets) < count:
            tickets.append(admission.admit())
            tickets[-1].grow(pixels=2 * MP)
        fault = "expected photographs to wait 15 s at most, received one that would wait 16 s"
        with pytest.raises(Overloaded, match=fault) as refused, admission.admit() as late:
            late.grow(pixels=1)
        assert refused.value.headers == {"Retry-After": "16"}

    fill(8)
    clock.now += 1.0
    with tickets.pop() as first:
        first.done(2 * MP)  # twice as fast as was thought
    fill(16)


def test_a_large_photograph_lets_others_wait_for_no_more_than_is_in_the_queue(
    clock: Clock,
) -> None:
    admission = Admission(max_items=100, max_bytes=100, max_pixels=64 * MP, patience=2)
    with admission.admit() as alone:
        alone.grow(pixels=60 * MP)  # longer than anybody would wait
        clock.now += 1.0
        with admission.admit() as beside, pytest.raises(Overloaded, match="would wait 5 s"):
            beside.grow(pixels=1)
        alone.done(58 * MP)
        with admission.admit() as beside:
            beside.grow(pixels=2 * MP)
    assert (admission.pixels, admission.held) == (0, 0)
