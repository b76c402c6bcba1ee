"""Callers share what is admitted: who fills it keeps nobody else out."""

import contextlib
import time
from collections import deque
from collections.abc import Iterator

import pytest

from service.errors import Overloaded
from service.inference.admission import FEW, Admission
from service.inference.caller import Caller
from service.inference.ticket import Ticket
from tests.service.simulation import Clock

FLOOD, QUIET, HEAVY = Caller("flood", 1), Caller("quiet", 1), Caller("heavy", 3)
MP = 1_000_000


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


def admissions() -> Admission:
    return Admission(max_items=20, max_bytes=2000, max_pixels=64 * MP)


def fill(admission: Admission, caller: Caller, size: int = 0) -> list[Ticket]:
    """Admit requests of a caller until one is refused."""
    tickets: list[Ticket] = []
    with contextlib.suppress(Overloaded):
        while True:
            tickets.append(admission.admit(size, caller))
    return tickets


def leave(tickets: list[Ticket], count: int) -> None:
    for _ in range(count):
        with tickets.pop():
            pass


def test_a_caller_alone_may_use_all() -> None:
    admission = admissions()
    assert len(fill(admission, FLOOD)) == 20
    with pytest.raises(Overloaded, match="at most 20 waiting items, received more"):
        admission.admit(0, FLOOD)


def test_beside_a_caller_that_fills_the_queue_another_finds_its_share() -> None:
    admission = admissions()
    flood = fill(admission, FLOOD)
    quiet = fill(admission, QUIET)
    assert (len(flood), len(quiet)) == (20, 10)
    with pytest.raises(Overloaded, match="at most 20 waiting items, 10 of a caller beside oth"):
        admission.admit(0, FLOOD)


def test_a_caller_above_its_share_gets_no_more_until_it_is_below() -> None:
    admission = admissions()
    flood = fill(admission, FLOOD)
    quiet = [admission.admit(0, QUIET)]
    leave(flood, 10)
    assert not fill(admission, FLOOD)
    leave(flood, 1)
    flood += fill(admission, FLOOD)
    assert len(flood) == 10
    quiet += fill(admission, QUIET)
    assert len(quiet) == 10


def test_shares_are_by_weight() -> None:
    admission = admissions()
    quiet = [admission.admit(0, QUIET)]
    assert len(fill(admission, HEAVY)) == 15
    assert len(quiet + fill(admission, QUIET)) == 5


def test_half_of_the_room_is_for_whoever_comes() -> None:
    admission = admissions()
    for number in range(5):
        admission.admit(0, Caller(str(number), 1))
    flood = fill(admission, FLOOD)
    assert len(flood) == 5  # of 20, the first 10 with those of the others


def test_however_many_callers_come_the_bound_is_half_as_much_again() -> None:
    admission = admissions()
    fill(admission, FLOOD)
    for number in range(100):
        fill(admission, Caller(str(number), 1))
    assert admission.items == 30


def test_a_caller_that_has_left_leaves_all_to_the_others(clock: Clock) -> None:
    admission = admissions()
    flood, quiet = fill(admission, FLOOD), fill(admission, QUIET)
    leave(quiet, len(quiet))
    leave(flood, 15)
    assert len(flood + fill(admission, FLOOD)) == 10  # one of the other's was refused, and may come
    clock.now += 60.0
    assert len(fill(admission, FLOOD)) == 10
    leave(flood, len(flood))


def test_a_caller_that_is_served_leaves_all_to_the_others_at_once(clock: Clock) -> None:
    admission = admissions()
    flood, quiet = fill(admission, FLOOD), fill(admission, QUIET)
    leave(quiet, 1)
    quiet.append(admission.admit(0, QUIET))
    leave(quiet, len(quiet))
    leave(flood, 10)
    assert len(flood + fill(admission, FLOOD)) == 20


def test_bytes_are_shared_too() -> None:
    admission = admissions()
    flood = fill(admission, FLOOD, 200)
    assert len(flood) == 10
    with admission.admit(900, QUIET) as quiet:
        quiet.grow(size=100)
        with pytest.raises(Overloaded, match="at most 2000 bytes of waiting requests, 1000 of"):
            admission.admit(200, QUIET)
        with pytest.raises(Overloaded, match=r", 1000 of a caller beside others, received 3200"):
            flood[0].grow(size=200)
    assert admission.bytes == 2000


def test_the_first_request_of_a_caller_may_exceed_its_share() -> None:
    admission = admissions()
    flood = fill(admission, FLOOD, 200)
    with pytest.raises(Overloaded):
        admission.admit(1600, QUIET)
    leave(flood, 3)
    with admission.admit(1600, QUIET), pytest.raises(Overloaded):
        admission.admit(0, QUIET)


def photographs(admission: Admission, caller: Caller, pixels: int) -> Iterator[Ticket]:
    """Yield the tickets of photographs until one is refused."""
    with contextlib.suppress(Overloaded):
        while True:
            ticket = admission.admit(0, caller)
            ticket.grow(pixels=pixels, seconds=pixels / MP)
            yield ticket


def test_pixels_are_shared_too() -> None:
    admission = admissions()
    quiet = list(photographs(admission, QUIET, 8 * MP))
    leave(quiet, 7)
    flood = list(photographs(admission, FLOOD, 8 * MP))
    assert (len(flood), len(quiet)) == (2, 1)  # a half of two thirds of 64 megapixels
    with pytest.raises(Overloaded, match="64000000 pixels of waiting photographs, 21333333 of"):
        admission.admit(0, FLOOD).grow(pixels=8 * MP)
    assert len(list(photographs(admission, QUIET, 8 * MP))) == 1
    assert admission.held == 32 * MP


def test_pixels_never_exceed_their_limit_and_leave_a_third_to_who_comes(clock: Clock) -> None:
    admission = Admission(max_items=1000, max_bytes=2000, max_pixels=64 * MP)
    flood = list(photographs(admission, FLOOD, 8 * MP))
    assert len(flood) == 8  # nobody else has ever come
    assert not list(photographs(admission, QUIET, 8 * MP))
    leave(flood, 1)
    assert not list(photographs(admission, FLOOD, 8 * MP))
    quiet = [next(photographs(admission, QUIET, 8 * MP))]  # in the room that was kept for it
    leave(flood, 7)
    leave(quiet, 1)
    flood = list(photographs(admission, FLOOD, 8 * MP))
    assert len(flood) == 5
    with pytest.raises(Overloaded, match=r"at most 42666666 pixels .* as another caller has come"):
        admission.admit(0, FLOOD).grow(pixels=8 * MP, seconds=8.0)
    for number in range(9):
        quiet += photographs(admission, Caller(str(number), 1), 8 * MP)
        assert admission.held <= 64 * MP
    assert len(quiet) == 3
    leave(flood, 5)
    leave(quiet, 3)
    assert (admission.held, admission.turns.pixels) == (0, 0)
    clock.now += 120.0
    assert len(list(photographs(admission, FLOOD, 8 * MP))) == 5  # another was the last to come
    clock.now += 60.0
    assert len(list(photographs(admission, FLOOD, 8 * MP))) == 3


def test_requests_without_photographs_leave_all_pixels_to_others() -> None:
    admission = admissions()
    admission.admit(0, QUIET)
    assert len(list(photographs(admission, FLOOD, 8 * MP))) == 8


def test_a_photograph_waits_for_those_of_its_caller_and_for_as_many_of_others() -> None:
    admission = Admission(max_items=100, max_bytes=100, max_pixels=1000 * MP, patience=15)
    flood = list(photographs(admission, FLOOD, 2 * MP))
    assert len(flood) == 8  # more would wait for longer
    quiet = list(photographs(admission, QUIET, 2 * MP))
    assert len(quiet) == 4  # half of the time is the other's
    assert len(flood) > FEW


def test_who_is_refused_has_room_kept_for_as_long_as_it_was_told_to_wait(clock: Clock) -> None:
    admission = admissions()
    flood = list(photographs(admission, FLOOD, 8 * MP))
    large = admission.admit(0, QUIET)
    with pytest.raises(Overloaded) as refused:
        large.grow(pixels=50 * MP, seconds=50)
    assert refused.value.headers == {"Retry-After": "60"}
    leave(flood, 7)
    clock.now += 60.0
    with pytest.raises(Overloaded):
        admission.admit(0, FLOOD).grow(pixels=8 * MP)
    large.grow(pixels=50 * MP, seconds=50)
    assert admission.held == 58 * MP
    leave([large], 1)
    admission.admit(0, FLOOD).grow(pixels=8 * MP)


@pytest.mark.parametrize("pixels", [20 * MP, 30 * MP, 50 * MP])
@pytest.mark.parametrize("caller", [FLOOD, QUIET])
def test_a_large_photograph_has_its_turn_while_small_ones_never_end(
    clock: Clock, caller: Caller, pixels: int
) -> None:
    admission = admissions()
    small = deque(photographs(admission, FLOOD, 8 * MP))
    large = admission.admit(0, caller)
    due = 0.0
    while clock.now < 300.0:
        if clock.now >= due:
            try:
                large.grow(pixels=pixels, seconds=pixels / MP)
            except Overloaded as refused:
                due = clock.now + int(refused.headers["Retry-After"])
            else:
                break
        clock.now += 8.0
        with small.popleft():  # and at once others come
            pass
        small.extend(photographs(admission, FLOOD, 8 * MP))
        assert small
    assert admission.held <= 64 * MP
    assert large.held == pixels


def test_small_photographs_flow_while_large_ones_never_end(clock: Clock) -> None:
    admission = admissions()
    large = list(photographs(admission, FLOOD, 50 * MP))
    admitted = 0
    for _ in range(20):
        clock.now += 25.0
        with contextlib.suppress(Overloaded):
            large.append(admission.admit(0, FLOOD))
            large[-1].grow(pixels=50 * MP, seconds=50.0)
        small = list(photographs(admission, FLOOD, 6 * MP))
        admitted += len(small)
        leave(small, len(small))
        if len(large) > 2:
            with large.pop(0):
                pass
    assert admitted >= 20


def test_room_is_kept_from_other_callers_for_who_has_no_photograph_here(clock: Clock) -> None:
    admission = admissions()
    first = admission.admit(0, FLOOD)
    first.grow(pixels=40 * MP, seconds=40.0)
    with pytest.raises(Overloaded):
        admission.admit(0, FLOOD).grow(pixels=40 * MP, seconds=40.0)
    clock.now += 1.0
    quiet = list(photographs(admission, QUIET, 8 * MP))
    assert len(quiet) == 2
