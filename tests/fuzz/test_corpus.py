"""What fuzzing starts from, and what it has found, passes every target."""

import pytest

from tests.fuzz.corpus import kept
from tests.fuzz.registry import NAMES, target_of


@pytest.mark.parametrize("name", NAMES)
def test_every_input_that_is_kept_is_read_or_refused_as_documented(name: str) -> None:
    target = target_of(name)
    inputs = [*target.seeds(), *kept(name)]
    assert inputs
    for data in inputs:
        target.run(data)
