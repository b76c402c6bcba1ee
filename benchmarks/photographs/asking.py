"""Client: sends a photograph, returns the response, its latency and its Server-Timing."""

import http.client
import re
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from benchmarks.environments import Unavailable

PATIENCE = 900.0
"""Seconds that an answer may take."""
STAGES = ("parse", "queue", "inference", "write")


@dataclass(frozen=True)
class Asked:
    """A request: where to, what, and of what media type."""

    url: str
    body: bytes
    media_type: str


@dataclass(frozen=True)
class Answer:
    """What came back after how many seconds; stages: seconds of each, as the service says."""

    status: int
    seconds: float
    body: bytes
    stages: dict[str, float] = field(default_factory=dict)


class Client:
    """One keep-alive connection to a server."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)

    def ask(self, asked: Asked) -> Answer:
        """Send a request and wait for the whole answer. Raises Unavailable where none comes."""
        began = time.perf_counter()
        path = urlsplit(asked.url)._replace(scheme="", netloc="").geturl()
        headers = {"Content-Type": asked.media_type}
        try:
            self._connection.request("POST", path, asked.body, headers)
            response = self._connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(f"expected an answer, received {error!r}") from error
        seconds = time.perf_counter() - began
        return Answer(response.status, seconds, body, stages(response.getheader("Server-Timing")))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()


def stages(header: str | None) -> dict[str, float]:
    """Return the seconds that a Server-Timing header tells, by stage."""
    parts = re.findall(r"(\w+);dur=([0-9.]+)", header or "")
    return {name: float(milliseconds) / 1000 for name, milliseconds in parts}


def together(asked: Asked, connections: int, each: int) -> tuple[float, list[Answer]]:
    """Ask over several connections at once, so many times over each.

    Return the seconds that it took in all, and the answers. Raises Unavailable for any that is not
    a 200.
    """

    def over_one(_: int) -> list[Answer]:
        with Client(asked.url) as client:
            return [client.ask(asked) for _ in range(each)]

    with ThreadPoolExecutor(connections) as threads:
        began = time.perf_counter()
        answers = [answer for few in threads.map(over_one, range(connections)) for answer in few]
        seconds = time.perf_counter() - began
    check(answers)
    return seconds, answers


def check(answers: Sequence[Answer]) -> None:
    """Raise Unavailable for an answer that is not a 200."""
    for answer in answers:
        if answer.status != 200:
            raise Unavailable(f"expected 200, received {answer.status} {answer.body[:300]!r}")
