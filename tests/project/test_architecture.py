"""The page on the architecture shows what the code is."""

import subprocess
import sys
from graphlib import CycleError
from pathlib import Path

import pytest

from docs import architecture

# The most files in which a request may run code.
LONGEST_WAYS = {"json": 14, "photograph": 26}


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs" / "architecture.md").read_text()


@pytest.mark.slow
def test_the_drawing_and_the_traces_are_up_to_date(root: Path, page: str) -> None:
    # In a process of its own, as tracing replaces the profiler.
    program = "from docs import architecture as a; print(a.rendered(a.PAGE.read_text()), end='')"
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == page, "run: make architecture"


@pytest.mark.parametrize("name", LONGEST_WAYS)
def test_a_request_passes_few_files(page: str, name: str) -> None:
    drawn = page.partition(f"<!-- {name} -->")[2].partition(f"<!-- /{name} -->")[0]
    files = [line for line in drawn.splitlines() if "](../service/" in line]
    assert 0 < len(files) <= LONGEST_WAYS[name]


def test_a_reduced_graph_has_only_the_arrows_that_no_others_imply() -> None:
    graph = {"a": {"b", "c", "d"}, "b": {"c"}, "c": {"d"}, "d": set[str]()}
    assert architecture.reduced(graph) == {"a": {"b"}, "b": {"c"}, "c": {"d"}, "d": set()}


def test_a_circle_of_imports_cannot_be_drawn() -> None:
    with pytest.raises(CycleError):
        architecture.reduced({"a": {"b"}, "b": {"a"}})


def test_no_module_imports_itself_through_others() -> None:
    architecture.reduced(architecture.modules())


def test_every_decision_is_dated_and_says_what_was_decided(root: Path) -> None:
    pages = [page for page in (root / "docs" / "decisions").iterdir() if page.name != "README.md"]
    assert pages
    for page in pages:
        date, title = page.stem[:10], page.read_text().splitlines()
        assert title[0].startswith("# ")
        assert title[2].startswith(f"{date}. "), f"{page.name}: expected {date}. Decided: ..."
