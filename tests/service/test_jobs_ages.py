"""The ages of jobs, whatever the clock does."""

import time
from collections.abc import Callable

import pytest

from service.jobs.ages import Ages
from service.jobs.record import End

DAY = 86_400.0
Clock = Callable[[float, float], None]


@pytest.fixture
def pass_time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Lets seconds pass, and the clock that shows the time jump besides."""
    wall, steady = 1_800_000_000.0, 1000.0
    monkeypatch.setattr(time, "time", lambda: wall)
    monkeypatch.setattr(time, "monotonic", lambda: steady)

    def go(seconds: float, jump: float = 0.0) -> None:
        nonlocal wall, steady
        wall, steady = wall + seconds + jump, steady + seconds

    return go


def end() -> End:
    return End("succeeded", time.time())


@pytest.mark.parametrize("jump", [3 * DAY, -3 * DAY, 0.0])
def test_a_job_grows_as_old_as_time_passes_though_the_clock_jumps(
    pass_time: Clock, jump: float
) -> None:
    ages, known, new = Ages(), end(), end()
    pass_time(10, 0)
    ages.look({"known"})
    assert ages.of("known", known) == 10
    pass_time(2, jump)
    ages.look({"known", "new"})
    assert ages.of("known", known) == 12
    assert ages.of("new", new) == (12 if jump >= 0 else 0)  # which ended before the jump
    later = end()
    pass_time(5, 0)
    ages.look({"known", "later"})
    assert ages.of("known", known) == 17
    assert ages.of("later", later) == (0 if jump > 0 else 5)
    pass_time(5, -jump)
    ages.look({"known"})
    assert ages.of("known", known) == 22


def test_the_jobs_of_another_process_are_as_old_as_the_clock_says(pass_time: Clock) -> None:
    ended = end()
    pass_time(DAY, 0)
    ages = Ages()
    ages.look({"job"})
    assert ages.of("job", ended) == DAY
    pass_time(1, 0)
    ages.look({})
    ages.look({"job"})
    assert ages.of("job", ended) == DAY + 1
