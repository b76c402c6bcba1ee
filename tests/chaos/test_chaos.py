"""Faults, each for a moment: no answer is wrong, none is missing, and all is well afterwards.

`make chaos` plays them for longer. They share a service, as its start takes longer than they do.
"""

import dataclasses
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from tests.chaos import (
    clock,
    descriptors,
    disk,
    kill,
    memory,
    reload,
    slow,
    stop,
    terminate,
    vanish,
)
from tests.chaos.exchange import ask_once
from tests.chaos.fault import Fault
from tests.chaos.play import crowd, play, reference, staged
from tests.chaos.questions import Question
from tests.chaos.reference import Reference
from tests.chaos.service import Service

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and prlimit(2)"),
]
MOMENTS = (
    (vanish.FAULT, 0.2),
    (reload.FAULT, 0.2),
    (slow.FAULT, 0.5),
    (clock.FAULT, 0.2),
    (disk.FAULT, 0.2),
    (descriptors.FAULT, 0.2),
    (memory.FAULT, 0.5),
    (stop.MOMENTARY, 0.5),
    (kill.FAULT, 0.2),
    (terminate.FAULT, 0.2),
)
"""Faults, and for how many seconds; the last one ends the service."""
CLIENTS = 7
PACE = 0.1
"""Seconds between two requests of a client: others may need the processor, too."""


@pytest.fixture(scope="module")
def answers() -> Reference:
    return reference()


@pytest.fixture(scope="module")
def clients(answers: Reference) -> list[list[Question]]:
    return crowd(CLIENTS, answers)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    faults = [fault for fault, _ in MOMENTS if not fault.lacks()]
    with staged(tmp_path_factory.mktemp("chaos"), *faults) as service:
        yield service


async def test_no_client_is_content_with_the_answer_to_another(
    service: Service, clients: list[list[Question]]
) -> None:
    for asked in zip(*clients, strict=True):
        if asked[0].job:
            continue
        replies = [await ask_once(service.address, each.request) for each in asked]
        right = [[not each.check(reply) for reply in replies] for each in asked]
        assert np.array_equal(right, np.eye(len(asked))), asked[0].name


@pytest.mark.parametrize(("fault", "seconds"), MOMENTS, ids=[each.name for each, _ in MOMENTS])
async def test_a_fault_costs_no_answer(
    fault: Fault,
    seconds: float,
    service: Service,
    answers: Reference,
    clients: list[list[Question]],
) -> None:
    if lacking := fault.lacks():
        pytest.skip(lacking)
    paced = dataclasses.replace(fault, pace=PACE)
    report = await play(paced, service, answers, clients, seconds)
    assert report.failures == []
    assert report.tally.right
