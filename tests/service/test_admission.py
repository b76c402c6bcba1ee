"""What is admitted is bounded, and who is not is told when to come again."""

import contextlib
import time

import pytest

from service import components
from service.errors import Overloaded
from service.inference.admission import FEW, MAX_RETRY_AFTER, Admission
from service.inference.caller import ANYBODY
from service.inference.estimates import QUEUED
from service.settings import Settings
from tests.service.simulation import Clock

MP = 1_000_000


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


def test_a_request_is_an_item_from_the_end_of_its_body_on() -> None:
    admission = Admission(max_items=2, max_bytes=1000)
    receiving = [admission.receive(100, ANYBODY) for _ in range(9)]
    assert (admission.items, admission.requests, admission.bytes) == (0, 9, 900)
    with pytest.raises(Overloaded, match="at most 1000 bytes of waiting requests, received 1001"):
        admission.receive(101, ANYBODY)
    for each in receiving[:2]:
        each.arrive()
    with pytest.raises(Overloaded, match="at most 2 waiting items, received more"):
        receiving[2].arrive()
    for each in receiving:
        with each:
            pass
    assert (admission.items, admission.requests, admission.bytes) == (0, 0, 0)


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


@pytest.mark.usefixtures("clock")
def test_the_wait_is_what_the_sessions_expect_of_all_that_is_here() -> None:
    admission = Admission(max_items=1000, max_bytes=100)
    assert admission.wait() == 1
    with admission.admit() as images, admission.admit() as photograph:
        images.grow(items=999, seconds=2.5)
        photograph.grow(pixels=MP, seconds=4.0)
        assert admission.wait() == 7
        photograph.done(MP // 2)
        assert admission.wait() == 5
        with pytest.raises(Overloaded) as refused:
            admission.admit()
        assert refused.value.headers == {"Retry-After": "5"}
        images.grow(seconds=1000.0)
        assert admission.wait() == MAX_RETRY_AFTER
    assert admission.wait() == 1


def test_rounding_leaves_nothing_of_what_was_here() -> None:
    admission = Admission(max_items=1000, max_bytes=100, max_pixels=MP)
    for _ in range(100):
        with admission.admit() as first, admission.admit() as second:
            for ticket in (first, second):
                ticket.grow(pixels=3000, seconds=0.1)
            for _ in range(3):
                first.done(999)
    assert admission.turns.wait(1, 0.0) == 0
    assert (admission.turns.pixels, admission.held, admission.requests) == (0, 0, 0)


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
        assert (admission.turns.pixels, admission.held) == (40, 80)
        with refused, admission.admit() as second:
            second.grow(pixels=1)
    assert (admission.turns.pixels, admission.held) == (0, 0)
    with admission.admit() as first, admission.admit() as second:
        first.grow(pixels=40)
        second.grow(pixels=10)


def test_who_is_refused_or_goes_makes_no_wait_longer_or_shorter() -> None:
    admission = Admission(max_items=100, max_bytes=100, max_pixels=64 * MP)
    with admission.admit() as stays:
        stays.grow(pixels=40 * MP, seconds=40.0)
        for left in range(39, 0, -1):
            stays.done(MP)
            with pytest.raises(Overloaded) as refused, admission.admit() as more:
                more.grow(pixels=40 * MP, seconds=40.0)
            assert refused.value.headers == {"Retry-After": str(left)}
            with contextlib.suppress(TimeoutError), admission.admit() as gone:
                gone.grow(items=9, pixels=3 * MP, seconds=3.0)
                raise TimeoutError
            assert (admission.turns.pixels, admission.held) == (left * MP, 40 * MP)
            assert admission.wait() == left


def fill(admission: Admission, pixels: int, seconds: float) -> int:
    """Admit photographs until one is refused; return how many were admitted."""
    for count in range(100):
        try:
            admission.admit().grow(pixels=pixels, seconds=seconds)
        except Overloaded as refused:
            expected = (
                "expected photographs to wait 15 s at most, received one that would wait 16 s"
            )
            assert expected in str(refused)  # noqa: PT017
            assert refused.headers == {  # noqa: PT017
                "Retry-After": str(min(MAX_RETRY_AFTER, round(count * seconds)))
            }
            return count
    pytest.fail("expected a photograph to be refused")


def test_photographs_that_would_wait_too_long_are_refused() -> None:
    def admission() -> Admission:
        return Admission(max_items=100, max_bytes=100, max_pixels=1000 * MP, patience=15)

    assert fill(admission(), 2 * MP, 2.0) == 8
    assert fill(admission(), 2 * MP, 1.0) == 16
    assert fill(admission(), 10 * QUEUED, 10 * 4.0) == 4  # what is not in the queue delays nobody
    assert fill(admission(), 1000, 2.0) == 8


def test_beside_a_few_photographs_another_is_admitted_however_long_they_take() -> None:
    admission = Admission(max_items=100, max_bytes=100, max_pixels=64 * MP, patience=15)
    tickets = [admission.admit() for _ in range(FEW + 2)]
    for ticket in tickets[:-1]:
        ticket.grow(pixels=MP, seconds=1000.0)
    with pytest.raises(Overloaded, match="would wait 4000 s"):
        tickets[-1].grow(pixels=MP, seconds=1000.0)
    tickets[0].done(MP)
    tickets[-1].grow(pixels=MP, seconds=1000.0)


@pytest.mark.usefixtures("clock")
def test_small_photographs_wait_for_small_ones_and_as_much_of_large_ones() -> None:
    admission = Admission(max_items=100, max_bytes=100, max_pixels=64 * MP)
    assert admission.turns.wait(1000, 0.01) == 0
    for _ in range(10):
        admission.admit().grow(pixels=2 * MP, seconds=2.0)
    assert admission.turns.wait(1000, 0.01) == pytest.approx(0.01)
    assert admission.turns.wait(2 * MP, 2.0) == pytest.approx(20.0)
    for _ in range(10):
        admission.admit().grow(pixels=1000, seconds=0.5)
    assert admission.turns.wait(1000, 0.01) == pytest.approx(5.0 + 5.01)
    assert admission.turns.wait(2 * MP, 2.0) == pytest.approx(20.0 + 5.0)


def test_what_a_tile_has_run_for_is_no_longer_waited_for(clock: Clock) -> None:
    admission = Admission(max_items=100, max_bytes=100, max_pixels=64 * MP)
    clock.now = 100.0
    with admission.admit() as photograph:
        photograph.grow(pixels=2 * MP, seconds=10.0)
        clock.now += 4.0
        assert admission.wait() == 6
        assert admission.turns.wait(2 * MP, 10.0) == pytest.approx(6.0)
        clock.now += 2.0
        photograph.done(MP)
        assert admission.wait() == 5
        clock.now += 100.0  # it takes longer than was expected
        assert admission.wait() == 1
        assert admission.turns.wait(MP, 5.0) == 0
    with admission.admit() as thumbnails:
        thumbnails.grow(items=9, seconds=10.0)
        assert admission.wait() == 10


def test_a_photograph_that_would_wait_too_long_is_told_which_setting_says_so() -> None:
    admission = components.admission(Settings(timeout=20))
    for _ in range(6):
        admission.admit().grow(pixels=MP, seconds=2.0)
    told = r"wait 10 s at most \(half of SERVICE_TIMEOUT\), received one that would wait 12 s"
    with admission.admit() as more, pytest.raises(Overloaded, match=told):
        more.grow(pixels=MP, seconds=2.0)
