"""Clients that ask again and again, in threads, while something befalls the service."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

CLIENTS = 4
PAUSE = 0.02
"""Seconds between an answer and the next question: a replica that starts needs processors, too."""
WAIT = 60.0
"""Seconds for what a test waits for."""
IMAGES = {"inputs": [[[0.5] * 4] * 4]}
LOST = ("replica-lost", "deadline-exceeded")
"""Codes of what a client is told whose replica ends: the second where Ray's proxy has sent the head
of a request to another replica, and its body to the one that has ended."""
HALF = [[[0.25] * 4] * 4]
"""What the model "half" gives for them."""


@dataclass
class Load:
    """What clients were answered so far.

    Attributes:
        answers: Responses, in the order in which they came.
        faults: What the clients raised instead.
    """

    answers: list[httpx.Response] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)

    def until(self, holds: Callable[["Load"], bool]) -> None:
        """Wait until something holds of it; fail after a minute."""
        deadline = time.monotonic() + WAIT
        while not holds(self):
            assert time.monotonic() < deadline, (self.faults, self.answers[-1:])
            time.sleep(0.05)

    def more(self, count: int) -> None:
        """Wait until so many more answers have come."""
        before = len(self.answers)
        self.until(lambda load: len(load.answers) >= before + count)


@contextmanager
def loaded(ask: Callable[[], httpx.Response]) -> Iterator[Load]:
    """Let clients ask at once until the end of the context."""
    load = Load()
    ended = threading.Event()

    def run() -> None:
        while not ended.is_set():
            time.sleep(PAUSE)
            try:
                load.answers.append(ask())
            except Exception as error:  # noqa: BLE001 - the test says which may be
                load.faults.append(error)

    threads = [threading.Thread(target=run) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def check(load: Load) -> None:
    """Check that what is answered is right, or says that a replica was lost and when to retry."""
    assert load.faults == []
    for each in load.answers:
        if each.status_code == 200:
            assert each.json()["outputs"] == HALF
        else:
            assert (each.status_code, each.json()["code"] in LOST) == (503, True), each.text
            assert int(each.headers["retry-after"]) >= 1
