"""A discrete-event simulation of replicas behind Ray Serve's router, by SimPy."""

import random
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import simpy

from benchmarks.scaling.autoscaler import Autoscaler, Scaling
from benchmarks.scaling.load import Rate, Service, arrivals

DECIDE_EVERY = 1.0
"""Seconds between decisions of the autoscaler."""

Process = Generator[Any, Any, None]


@dataclass(frozen=True)
class Cluster:
    """What serves.

    Attributes:
        replicas: How many there are at first.
        slots: Requests that a replica runs at a time; others wait in it.
        bound: Requests that a replica holds at most, running and waiting; where the router finds
            no other, the request is refused with a 429.
        scaling: How replicas are added and removed, None for a fixed number.
        overhead: Seconds that a request takes beside its service: proxy, router, network.
        choices: Replicas of which the router takes the one with the fewest requests.
        lifetime: Seconds until a replica fails, on average; 0 for never. Its requests are run again
            elsewhere.
    """

    replicas: int
    slots: int = 1
    bound: int = 1_000_000
    scaling: Scaling | None = None
    overhead: float = 0.0
    choices: int = 2
    lifetime: float = 0.0


@dataclass
class Outcome:
    """What a simulation gave.

    Attributes:
        latencies: Of each request that was answered, in seconds.
        times: When each of these arrived.
        refused: Requests that were refused.
        repeated: Requests that were run again, as their replica failed.
        replica_seconds: Replicas, those that start included, integrated over the time.
        most: Replicas at most.
        busy: Seconds that slots were busy, of slot_seconds.
        slot_seconds: Seconds that slots of serving replicas existed.
    """

    latencies: list[float] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    refused: int = 0
    repeated: int = 0
    replica_seconds: float = 0.0
    most: int = 0
    busy: float = 0.0
    slot_seconds: float = 0.0

    def percentile(self, percent: float, since: float = 0.0) -> float:
        """Return a percentile of the latency in seconds, of requests from a time on."""
        kept = np.asarray(self.latencies)[np.asarray(self.times) >= since]
        return float(np.percentile(kept, percent)) if len(kept) else float("nan")

    @property
    def refused_share(self) -> float:
        """Return the share of requests that were refused."""
        return self.refused / max(1, self.refused + len(self.latencies))


def simulate(
    cluster: Cluster,
    service: Service,
    rate: Rate,
    *,
    highest: float,
    seconds: float,
    seed: int,
    warm_up: float = 0.0,
) -> Outcome:
    """Simulate a cluster under a load.

    Args:
        cluster: What serves.
        service: How long requests take.
        rate: Requests a second, at a time.
        highest: A bound of the rate.
        seconds: Length of the load. Requests that have arrived by then are answered.
        seed: Of all random draws.
        warm_up: Seconds at the start of which no latency counts.
    """
    return _Simulation(cluster, service, seed, warm_up).run(rate, highest, seconds)


class _Replica:
    """A replica: a queue of requests, a few of which run at a time."""

    def __init__(self, environment: simpy.Environment, slots: int) -> None:
        self.slots = simpy.Resource(environment, slots)
        self.ongoing = 0
        self.since = environment.now
        self.running: set[simpy.Process] = set()


class _Simulation:
    def __init__(self, cluster: Cluster, service: Service, seed: int, warm_up: float) -> None:
        self._cluster, self._service, self._warm_up = cluster, service, warm_up
        self._environment = simpy.Environment()
        self._generator = random.Random(seed)
        self._serving: list[_Replica] = []
        self._starting = 0
        self._ongoing = 0
        self._ended = False
        self._outcome = Outcome()

    def run(self, rate: Rate, highest: float, seconds: float) -> Outcome:
        for _ in range(self._cluster.replicas):
            self._add()
        load = self._environment.process(self._load(rate, highest, seconds))
        if self._cluster.scaling:
            self._environment.process(self._scale(self._cluster.scaling))
        self._environment.run(load)
        self._ended = True
        while self._ongoing:
            self._environment.step()
        for replica in self._serving:
            self._count(replica)
        return self._outcome

    def _load(self, rate: Rate, highest: float, seconds: float) -> Process:
        for time in arrivals(rate, highest, seconds, self._generator):
            yield self._environment.timeout(time - self._environment.now)
            replica = self._route()
            if replica is None:
                self._outcome.refused += self._environment.now >= self._warm_up
            else:
                self._begin(replica, self._environment.now)
        yield self._environment.timeout(seconds - self._environment.now)

    def _route(self) -> _Replica | None:
        """Choose between random replicas the one with the fewest requests.

        Mitzenmacher, "The power of two choices in randomized load balancing", 2001.
        """
        serving, choices = self._serving, self._cluster.choices
        if len(serving) > choices:
            serving = self._generator.sample(serving, choices)
        if not serving:
            return None
        best = min(serving, key=lambda replica: replica.ongoing)
        if best.ongoing < self._cluster.bound:
            return best
        # Ray Serve's router tries others until one has room.
        best = min(self._serving, key=lambda replica: replica.ongoing)
        return best if best.ongoing < self._cluster.bound else None

    def _begin(self, replica: _Replica, arrived: float) -> None:
        replica.ongoing += 1
        self._ongoing += 1
        process = self._environment.process(self._serve(replica, arrived))
        replica.running.add(process)
        process.callbacks.append(replica.running.discard)

    def _serve(self, replica: _Replica, arrived: float) -> Process:
        try:
            with replica.slots.request() as slot:
                yield slot
                seconds = self._service.draw(self._generator)
                yield self._environment.timeout(seconds)
                self._outcome.busy += seconds
        except simpy.Interrupt:
            self._outcome.repeated += 1
            while not (other := self._route()):
                yield self._environment.timeout(DECIDE_EVERY)
            self._ongoing -= 1
            self._begin(other, arrived)
            return
        replica.ongoing -= 1
        self._ongoing -= 1
        if arrived >= self._warm_up:
            self._outcome.times.append(arrived)
            self._outcome.latencies.append(self._environment.now - arrived + self._cluster.overhead)

    def _scale(self, scaling: Scaling) -> Process:
        autoscaler = Autoscaler(scaling)
        while not self._ended:
            yield self._environment.timeout(DECIDE_EVERY)
            replicas = len(self._serving) + self._starting
            wanted = autoscaler.decide(self._environment.now, self._ongoing, replicas)
            for _ in range(wanted - replicas):
                self._starting += 1
                self._environment.process(self._start(scaling.start_seconds))
            for _ in range(min(replicas - wanted, len(self._serving) - 1)):
                least = min(self._serving, key=lambda replica: replica.ongoing)
                self._remove(least)  # which answers what it has

    def _start(self, seconds: float) -> Process:
        yield self._environment.timeout(seconds)
        self._outcome.replica_seconds += seconds
        self._starting -= 1
        self._add()

    def _add(self) -> None:
        replica = _Replica(self._environment, self._cluster.slots)
        self._serving.append(replica)
        self._outcome.most = max(self._outcome.most, len(self._serving))
        if self._cluster.lifetime:
            self._environment.process(self._fail(replica))

    def _fail(self, replica: _Replica) -> Process:
        yield self._environment.timeout(self._generator.expovariate(1 / self._cluster.lifetime))
        if replica in self._serving and not self._ended:
            self._remove(replica)
            for process in list(replica.running):
                process.interrupt()
            start = self._cluster.scaling.start_seconds if self._cluster.scaling else 0.0
            self._starting += 1
            yield from self._start(start)

    def _remove(self, replica: _Replica) -> None:
        self._serving.remove(replica)
        self._count(replica)

    def _count(self, replica: _Replica) -> None:
        seconds = self._environment.now - replica.since
        self._outcome.replica_seconds += seconds
        self._outcome.slot_seconds += seconds * self._cluster.slots
