"""Photographs of requests and of jobs have one room, and neither keeps the other out of it."""

import time

import pytest

from service.errors import Overloaded
from service.inference.admission import Admission
from service.inference.caller import ANYBODY, Caller
from service.jobs.progress import AGAIN_SECONDS, JobAdmission
from tests.service.simulation import Clock

MP = 1_000_000
WEB = Caller("web", 1)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    monkeypatch.setattr(time, "perf_counter", clock)
    return clock


@pytest.fixture
def requests(clock: Clock) -> Admission:
    return Admission(max_items=100, max_bytes=1000, max_pixels=64 * MP, patience=15)


@pytest.fixture
def jobs(requests: Admission) -> JobAdmission:
    return JobAdmission(requests)


def test_what_both_hold_never_exceeds_the_limit(requests: Admission, jobs: JobAdmission) -> None:
    job, request = jobs.admit(), requests.admit(0, WEB)
    job.grow(pixels=50 * MP, seconds=50.0)
    assert requests.held == jobs.held == 50 * MP
    with pytest.raises(Overloaded, match=r"64000000 pixels .*, received 70000000") as refused:
        request.grow(pixels=20 * MP, seconds=20.0)
    assert refused.value.headers == {"Retry-After": "50"}  # when the job is done
    request.grow(pixels=14 * MP, seconds=14.0)
    assert requests.held == 64 * MP
    with job:
        pass
    assert requests.held == 14 * MP


def test_a_request_that_is_no_photograph_is_not_told_to_wait_for_jobs(
    requests: Admission, jobs: JobAdmission
) -> None:
    jobs.admit().grow(pixels=50 * MP, seconds=50.0)
    assert requests.wait() == 1
    assert jobs.wait() == AGAIN_SECONDS
    requests.admit(0, WEB).grow(pixels=MP, seconds=1.0)  # nor are its turns those of jobs
    assert requests.turns.wait(MP, 1.0) == 1.0


def test_a_large_photograph_of_a_job_has_its_turn(
    clock: Clock, requests: Admission, jobs: JobAdmission
) -> None:
    small = [requests.admit(0, WEB) for _ in range(9)]
    for each in small[:8]:
        each.grow(pixels=8 * MP, seconds=0.1)
    job = jobs.admit()
    with pytest.raises(Overloaded):
        job.grow(pixels=50 * MP, seconds=50.0)
    for each in small[:7]:
        with each:
            pass
    with pytest.raises(Overloaded):
        small[8].grow(pixels=8 * MP, seconds=0.1)
    clock.now += AGAIN_SECONDS
    job.grow(pixels=50 * MP, seconds=50.0)
    assert requests.held == 58 * MP


def test_jobs_let_requests_first_but_where_these_need_their_room(
    clock: Clock, requests: Admission, jobs: JobAdmission
) -> None:
    assert jobs.lets_others_first()
    job, request = jobs.admit(), requests.admit(0, WEB)
    job.grow(pixels=10 * MP, seconds=10.0)
    with pytest.raises(Overloaded):
        request.grow(pixels=60 * MP, seconds=60.0)
    assert jobs.lets_others_first()  # it has little of the room
    clock.now += 100.0
    other = jobs.admit(0, ANYBODY)
    other.grow(pixels=30 * MP, seconds=30.0)
    assert jobs.lets_others_first()  # nobody wants it
    with pytest.raises(Overloaded):
        request.grow(pixels=60 * MP, seconds=60.0)
    assert not jobs.lets_others_first()
    with other, job:
        pass
    assert jobs.lets_others_first()
