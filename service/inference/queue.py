"""The requests that wait for a session: which of them run next, and together.

Callers take turns, weighted, by fair queueing (A. Demers, S. Keshav, S. Shenker, "Analysis and
Simulation of a Fair Queueing Algorithm", SIGCOMM 1989; tags of starts as in P. Goyal, H. M. Vin,
H. Cheng, "Start-time Fair Queueing", SIGCOMM 1996). A request is tagged, as it comes, with the time
at which it would start if each caller had its share of the session all along, and requests run in
the order of their tags. Those of one caller stay in their order, and the first of a caller runs
before the many that another one has sent.

Requests whose arrays differ in nothing but the batch dimension can share a batch, whoever sends
them; they are of one kind. The kinds of thumbnails of a caller that is alone take turns; tiles of
photographs run in the order of their tags, with small photographs between the tiles of large ones.
What runs in the background lets all others run first.
"""

import asyncio
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from heapq import heappop, heappush

from service.inference.caller import ANYBODY, Caller
from service.inference.pixels import Floats
from service.inference.session import Sigma

MAX_RUN_ITEMS = 256
"""Items of one request in one run; larger runs are no faster."""

MAX_RUN_NUMBERS = 1 << 20
"""Numbers (pixels times channels) of photographs in one run, unless a single item has more. A run
takes about 100 bytes of memory a number, and larger runs only let others wait."""

BACKGROUND: ContextVar[Callable[[], bool] | None] = ContextVar("background", default=None)
"""Tells whether what is submitted now lets others first, as no client waits for it; None: no."""

BACKGROUND_SECONDS = 60.0
"""Seconds after which a request in the background has its turn like any other, so that it gets on
however many others there are."""

Kind = tuple[tuple[int, ...], int | None, bool]
"""What requests of one batch have in common: the shape of an item, the number of steps, and whether
they run in the background."""


@dataclass(frozen=True, slots=True)
class Result:
    """The output of a request, and how long it took.

    Attributes:
        output: The output, batch dimension first.
        queue: Seconds that the request waited for the session.
        inference: Seconds that its batch ran.
    """

    output: Floats
    queue: float
    inference: float


class Stages:
    """Seconds that several requests waited and ran; where they did at once, the time counts once.

    Attributes:
        queue: Seconds that the session ran none of them, while one waited for it.
        inference: Seconds that it ran one or more.
    """

    def __init__(self) -> None:
        self.queue = self.inference = 0.0
        self._ended = 0.0

    def add(self, submitted: float, result: Result) -> None:
        """Count a request, in the order in which they end.

        Args:
            submitted: The time.perf_counter() at which it was.
            result: What it gave.
        """
        started = submitted + result.queue
        ended = started + result.inference
        self.queue += max(0.0, started - max(submitted, self._ended))
        self.inference += max(0.0, ended - max(started, self._ended))
        self._ended = max(ended, self._ended)


@dataclass(slots=True, eq=False)
class Job:
    """A request in the queue.

    Attributes:
        array: The inputs, batch dimension first.
        steps: The length of the sequence to return, None for the model's default.
        sigma: The noise level of the items, None if unknown.
        future: Receives the result; a job whose future is done is dropped.
        submitted: The time.perf_counter() at which the request entered the queue.
        profile: What else is known of the items' noise, (5,) or (batch, 5), None if unknown.
        background: Whether others run first.
        caller: Whose it is.
        cost: What it takes of the session, in numbers.
    """

    array: Floats
    steps: int | None
    sigma: Sigma | None
    future: asyncio.Future[Result]
    submitted: float
    profile: Floats | None = None
    background: bool = False
    caller: Caller = ANYBODY
    cost: float = 1.0


@dataclass(slots=True, eq=False)
class _Turn:
    """The turn of a caller in a lane.

    Attributes:
        weight: Its weight, while it has waiting requests.
        ready: The tag of its next request, at least.
        waiting: How many of its requests wait.
    """

    weight: int = 1
    ready: float = 0.0
    waiting: int = 0


@dataclass(slots=True, eq=False)
class _Lane:
    """Requests whose tags can be compared: those of other lanes run before or after all of them.

    Attributes:
        turns: The turns of callers, by their names.
        now: The least tag of what comes now.
        last: The tag that no caller is ahead of.
        weights: The sum of the weights of callers with waiting requests.
        callers: How many there are.
    """

    turns: dict[str, _Turn] = field(default_factory=dict)
    now: float = 0.0
    last: float = 0.0
    weights: int = 0
    callers: int = 0


_Waiting = tuple[float, int, Job, _Turn]
"""The tag of a request, its number, the request, and whose turn it is."""

FORGOTTEN = 64
"""Callers without waiting requests that are remembered at least."""


class Queue:
    """Waiting requests by kind. The caller holds a lock around each call."""

    def __init__(self, max_batch: int) -> None:
        """Create an empty queue.

        Args:
            max_batch: Items of several requests in one batch. A request with more runs alone.
        """
        self._max_batch = max_batch
        self._jobs: dict[Kind, tuple[_Lane, list[_Waiting]]] = {}  # the lists are heaps
        self._lanes = [_Lane(), _Lane(), _Lane(), _Lane()]
        self._most_turns = FORGOTTEN
        self._number = 0

    def __bool__(self) -> bool:
        """Whether any request waits."""
        return bool(self._jobs)

    def __iter__(self) -> Iterator[Job]:
        """Iterate over the waiting requests, kind by kind."""
        for _, waiting in self._jobs.values():
            for _, _, job, _ in waiting:
                yield job

    def push(self, job: Job) -> None:
        """Add a request, behind those of its caller."""
        kind = (job.array.shape[1:], job.steps, job.background)
        found = self._jobs.get(kind)
        if found is None:
            found = self._jobs[kind] = (self._lanes[self._lane(kind)], [])
        lane, waiting = found
        name, weight = job.caller
        turn = lane.turns.get(name)
        if turn is None:
            turn = lane.turns[name] = _Turn()
        if not turn.waiting:
            turn.weight = weight
            lane.weights += weight
            lane.callers += 1
        turn.waiting += 1
        tag = turn.ready if turn.ready > lane.now else lane.now  # noqa: FURB136 - half the time
        turn.ready = ready = tag + job.cost / turn.weight
        if ready > lane.last:
            lane.last = ready
        self._number += 1
        heappush(waiting, (tag, self._number, job, turn))

    def pop(self, max_requests: float = math.inf) -> list[Job]:
        """Remove and return the requests of the next batch, none if none waits.

        Requests whose client has gone are dropped.

        Args:
            max_requests: Requests in the batch, at most.
        """
        while self._jobs:
            kind = self._next_kind()
            lane, waiting = self._jobs.pop(kind)
            limit = self.batch_limit(kind[0])
            weights, cost = lane.weights, 0.0
            now = max(lane.now, waiting[0][0])
            jobs: list[Job] = []
            items = 0
            while waiting and (
                not jobs or (len(jobs) < max_requests and items + len(waiting[0][2].array) <= limit)
            ):
                _, _, job, turn = heappop(waiting)
                turn.waiting -= 1
                if not turn.waiting:
                    lane.weights -= turn.weight
                    lane.callers -= 1
                if not job.future.done():
                    jobs.append(job)
                    items += len(job.array)
                    cost += job.cost
            if waiting:
                self._jobs[kind] = (lane, waiting)  # behind the other kinds
            # As if each that waits had run its share of it; where none does, all are alike again.
            lane.now = now + cost / weights if lane.callers else lane.last
            if len(lane.turns) > self._most_turns:
                self._forget(lane)
            if jobs:
                self._took_turn(kind, items)
                return jobs
        return []

    def batch_limit(self, shape: tuple[int, ...]) -> int:  # noqa: ARG002 - TileQueue needs it
        """Return how many items of several requests, of a shape each, may share a batch."""
        return self._max_batch

    def run_limit(self, shape: tuple[int, ...]) -> int:  # noqa: ARG002
        """Return how many items of one request, of a shape each, may run at once."""
        return max(self._max_batch, MAX_RUN_ITEMS)

    def pixels(self, jobs: Sequence[Job]) -> int:  # noqa: ARG002
        """Return the pixels of photographs in a batch, halos included; 0 for thumbnails."""
        return 0

    def _next_kind(self) -> Kind:
        """Return the kind that runs next: where there is one caller, its kinds take turns."""
        first = next(iter(self._jobs))
        if len(self._jobs) == 1 or (self._jobs[first][0].callers == 1 and not first[2]):
            return first
        return self._least()

    def _least(self) -> Kind:
        """Return the kind of the least tag, in the background where that has waited for long."""
        groups = [[kind for kind in self._jobs if kind[2] == each] for each in (False, True)]
        return min((min(each, key=self._order) for each in groups if each), key=self._age)

    def _order(self, kind: Kind) -> tuple[float, ...]:
        """Return what orders kinds whose tags can be compared, by their first request."""
        tag, number, _, _ = self._jobs[kind][1][0]
        return (self._is_other(kind), tag, number)

    def _age(self, kind: Kind) -> tuple[float, ...]:
        """Return what orders kinds in the background and others, by their first request."""
        _, number, job, _ = self._jobs[kind][1][0]
        is_behind = kind[2] and time.perf_counter() - job.submitted < BACKGROUND_SECONDS
        return (is_behind, self._is_other(kind), number)

    def _is_other(self, kind: Kind) -> bool:  # noqa: ARG002 - TileQueue needs it
        """Return whether kinds of another size run first."""
        return False

    def _lane(self, kind: Kind) -> int:
        """Return the number of the lane of a kind, 0 to 3."""
        return int(kind[2])

    def _forget(self, lane: _Lane) -> None:
        """Forget callers that have nothing in a lane and are not ahead of others."""
        turns = lane.turns.items()
        lane.turns = {name: turn for name, turn in turns if turn.waiting or turn.ready > lane.now}
        self._most_turns = max(FORGOTTEN, 2 * len(lane.turns))

    def _took_turn(self, kind: Kind, items: int) -> None:
        """Note that so many items of a kind run now."""


class TileQueue(Queue):
    """The queue of a model of photographs: tiles (1, height, width, 3), in the order of their tags.

    So all photographs of a caller advance alike, however many share a shape. A small photograph
    need not wait for a tile of each large one: small ones, in lanes of their own, run between two
    large tiles, up to as many numbers as the tile before had, so that large photographs keep half
    of the time.
    """

    def __init__(self, max_batch: int) -> None:
        super().__init__(max_batch)
        self._credit = 0  # numbers of small photographs that run before the next large tile

    def batch_limit(self, shape: tuple[int, ...]) -> int:
        return _fitting(shape, self._max_batch)

    def run_limit(self, shape: tuple[int, ...]) -> int:
        return _fitting(shape, super().run_limit(shape))

    def pixels(self, jobs: Sequence[Job]) -> int:
        return sum(math.prod(job.array.shape[:3]) for job in jobs)

    def _next_kind(self) -> Kind:
        return self._least()

    def _is_other(self, kind: Kind) -> bool:
        return is_small(math.prod(kind[0])) != (self._credit > 0)

    def _lane(self, kind: Kind) -> int:
        return kind[2] + 2 * is_small(math.prod(kind[0]))

    def _took_turn(self, kind: Kind, items: int) -> None:
        numbers = math.prod(kind[0])
        size = items * numbers
        self._credit = self._credit - size if is_small(numbers) else size


def is_small(numbers: int) -> bool:
    """Return whether a photograph is small: several of its numbers (pixels x 3) fit into a run."""
    return 2 * numbers <= MAX_RUN_NUMBERS


def _fitting(shape: tuple[int, ...], most: int) -> int:
    return max(1, min(most, MAX_RUN_NUMBERS // math.prod(shape)))
