"""Random arrivals and service times of requests."""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Rate = Callable[[float], float]
"""Requests a second at a time in seconds."""


@dataclass(frozen=True)
class Service:
    """How long a request takes in a replica that does nothing else.

    Attributes:
        seconds: The mean, without stragglers.
        spread: The coefficient of variation: standard deviation over mean; 0 for a constant.
        straggling: The share of requests that straggle, 0 to 1.
        factor: How many times as long these take.
    """

    seconds: float
    spread: float = 0.0
    straggling: float = 0.0
    factor: float = 1.0

    @property
    def mean(self) -> float:
        """Return the mean in seconds, stragglers included."""
        return self.seconds * (1 + self.straggling * (self.factor - 1))

    def draw(self, generator: random.Random) -> float:
        """Return the seconds of a request: log-normal, as latencies of servers are."""
        seconds = self.seconds
        if self.spread:
            variance = math.log1p(self.spread**2)
            seconds *= generator.lognormvariate(-variance / 2, math.sqrt(variance))
        if self.straggling and generator.random() < self.straggling:
            seconds *= self.factor
        return seconds


def arrivals(
    rate: Rate, highest: float, seconds: float, generator: random.Random
) -> Iterator[float]:
    """Yield the times of a Poisson process whose rate changes with time.

    Thinning: Lewis and Shedler, "Simulation of nonhomogeneous Poisson processes by thinning", 1979.

    Args:
        rate: Requests a second at a time.
        highest: A bound of it.
        seconds: The end.
        generator: Draws.
    """
    now = generator.expovariate(highest)
    while now < seconds:
        if generator.random() * highest < rate(now):
            yield now
        now += generator.expovariate(highest)


def steady(rate: float) -> Rate:
    """Return a rate that stays."""
    return lambda _: rate


def step(before: float, after: float, at: float) -> Rate:
    """Return a rate that changes at once, as when a campaign starts."""
    return lambda now: after if now >= at else before
