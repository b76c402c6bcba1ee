import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import fairness, idle, overload, sizing
from benchmarks.contenders import SERVICE
from benchmarks.images import noisy
from benchmarks.inprocess import images_per_second
from benchmarks.photographs.pictures import made_up
from benchmarks.servers import serving

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent


def numbers(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip("|").split("|")]


@pytest.mark.slow
def test_ten_times_more_clients_are_a_row_beside_full_load(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("benchmarks.measure.WARM_UP", 0.1)
    with serving(overload.with_queue(2), PROGRAMS, "npy", noisy(1)) as server:
        rows = [numbers(row) for row in overload.rows(server, clients=2, times=3, seconds=0.2)]
    assert [row[:2] for row in rows] == [["2", "-"], ["6", "yes"], ["6", "no"]]
    assert rows[0][5] == "1.00"
    assert {(row[9], row[10]) for row in rows} == {("0", "0")}  # no 5xx, nothing lost
    assert rows[0][6] == "0"  # no 429 while the queue is full and no fuller
    assert int(rows[2][6].replace(",", "")) > 0
    assert all(len(row) == len(numbers(overload.HEAD.splitlines()[0])) for row in rows)


def test_a_quiet_key_is_a_row_of_medians_beside_a_flood() -> None:
    def run(p99: float, **statuses: int) -> dict[str, Any]:
        counts = {
            name[1:]: {"count": count, "p50": 1.0, "p99": p99} for name, count in statuses.items()
        }
        return {"statuses": counts, "seconds": 2.0, "lost": 0}

    flood = run(9.0, _200=10, _429=90)
    alone = run(2.0, _200=200)
    beside = [run(p99, _200=199, _503=1) for p99 in (2.0, 3.0, 8.0)]
    cells = numbers(fairness.row([(alone, each, flood) for each in beside]))
    assert cells == ["1.00, 2.00", "1.00, 3.00", "1.50", "1.00, 4.00", "5", "45", "3", "0"]
    assert len(cells) == len(numbers(fairness.HEAD.splitlines()[0]))


@pytest.mark.slow
def test_an_idle_service_is_watched() -> None:
    with serving(SERVICE, PROGRAMS, "json", noisy(1)) as server:
        text = idle.watch(server, 0.2)
    found = re.fullmatch(
        r"start to the first right answer: \d+\.\d\d s\n"
        r"idle for 0\.2 s: \d+\.\d\d % of one processor\n"
        r"memory: (\d+) MB in processes: [1-9]",
        text,
    )
    assert found
    assert int(found[1]) > 20  # an interpreter with numpy and the runtime takes more


@pytest.mark.slow
def test_what_a_request_takes_of_a_processor_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.measure.WARM_UP", 0.1)
    monkeypatch.setattr("benchmarks.sizing.WARM_UP", 0.1)
    monkeypatch.setattr("benchmarks.sizing.ARRAYS", (("npy", 2),))
    monkeypatch.setattr("benchmarks.sizing.FILES", (("PNG", "image/png"),))
    monkeypatch.setattr("benchmarks.sizing.SERVED", 0.05)
    (array,) = sizing.of_arrays(PROGRAMS, 0.3)
    (photograph,) = sizing.of_photographs(PROGRAMS, made_up(0), [0.05])
    assert (array.units, array.unit) == (2, "images")
    assert 1e-6 < array.seconds < photograph.seconds < 60
    assert photograph.units == pytest.approx(0.05, rel=0.01)
    assert photograph.peak > 20e6
    lines = sizing.rows([array, photograph]).splitlines()
    assert lines[-2].startswith("| npy, images: 2 ")
    assert lines[-1].startswith("| PNG, 0.05 megapixels ")


def test_the_model_is_measured_without_http() -> None:
    assert images_per_second(threads=1, batch=2, seconds=0.05) > 0


def test_a_contender_that_does_not_exist_is_refused_with_those_that_do() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--only", "bare,nobody"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert "expected some of bare, service, naive, ray" in result.stderr
    assert "received nobody" in result.stderr
