from pathlib import Path
from typing import Any

from benchmarks.plot import draw
from benchmarks.table import Result, tables


def run(connections: int, rps: float, **others: Any) -> dict[str, Any]:
    summary = {"count": 100, "p50": 2.0, "p90": 3.0, "p99": 5.0, "max": 9.0}
    seen = {"connections": connections, "rps": rps, "statuses": {"200": summary}}
    return {**seen, "lost": 0, "refused": 0, "wrong": 0, "others_cpu": 0.0, **others}


def cells(text: str) -> list[list[str]]:
    """The rows of the tables in a text."""
    rows = [line.split("|")[1:-1] for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row] for row in rows]


BARE = Result("bare", "Bare", "1", runs={1: run(1, 1000.0), 32: run(32, 4000.0)})
PEER = Result("peer", "Peer", "2.3", runs={1: run(1, 250.0), 32: run(32, 3000.0)})


def test_a_contender_is_compared_with_the_bare_limit_at_the_same_connections() -> None:
    text = tables([BARE, PEER])
    assert text.index("## 1 connections") < text.index("## 32 connections")
    rows = [row for row in cells(text) if row[0] == "Peer 2.3"]
    assert rows == [
        ["Peer 2.3", "250", "0.25", "2.00", "5.00", ""],
        ["Peer 2.3", "3,000", "0.75", "2.00", "5.00", ""],
    ]


def test_without_the_bare_limit_there_is_no_share() -> None:
    assert ["Peer 2.3", "250", "-", "2.00", "5.00", ""] in cells(tables([PEER]))


def test_a_contender_that_could_not_be_measured_is_a_row_with_its_reason() -> None:
    text = tables([BARE, Result("gone", "Gone", "4", reason="expected it, received nothing")])
    assert text.count("| Gone 4 ") == 2
    assert "- Gone 4: expected it, received nothing" in text


def test_faults_say_what_went_wrong_and_that_the_machine_was_busy() -> None:
    statuses = {**run(1, 1.0)["statuses"], "503": {"count": 7}}
    faulty = run(1, 10.0, statuses=statuses, lost=2, wrong=1, others_cpu=0.4)
    [row] = [
        row for row in cells(tables([Result("x", "X", "", runs={1: faulty})])) if row[0] == "X"
    ]
    assert row[-1] == "7 x 503, 2 x lost, 1 x wrong, 0.40 processors taken by others"


def test_half_of_the_highest_load_shows_how_far_the_tail_is() -> None:
    half = run(32, 2000.0)
    text = tables([Result("x", "X", "", runs={32: run(32, 4000.0)}, half=half)])
    assert ["X", "2,000", "2.00", "5.00", "2.5", ""] in cells(text)


def test_columns_are_aligned() -> None:
    table = [line for line in tables([BARE, PEER]).splitlines() if line.startswith("|")][:4]
    assert len({len(line) for line in table}) == 1


def test_the_plot_is_a_picture_of_all_that_was_measured(tmp_path: Path) -> None:
    draw([BARE, PEER, Result("gone", "Gone", "4", reason="why")], tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
