"""Ray Serve's autoscaling on ongoing requests: how many replicas are wanted, and when."""

import math
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True)
class Scaling:
    """How replicas are added and removed, by the names of Ray Serve's `autoscaling_config`.

    Attributes:
        min_replicas: Replicas at least.
        max_replicas: Replicas at most.
        target_ongoing_requests: Requests that a replica should have, running and waiting.
        look_back_period_s: Seconds over which ongoing requests are averaged.
        upscale_delay_s: Seconds for which more replicas must be wanted.
        downscale_delay_s: Seconds for which fewer must be.
        start_seconds: From the decision until a replica serves: a node that boots, the image, the
            models.
    """

    min_replicas: int
    max_replicas: int
    target_ongoing_requests: float
    look_back_period_s: float = 30.0
    upscale_delay_s: float = 30.0
    downscale_delay_s: float = 600.0
    start_seconds: float = 0.0


class Autoscaler:
    """Decides as `ray.serve.autoscaling_policy` does, with factors of 1."""

    def __init__(self, scaling: Scaling) -> None:
        self._scaling = scaling
        self._seen: deque[tuple[float, int]] = deque()
        self._since: float | None = None
        self._direction = 0

    def decide(self, now: float, ongoing: int, replicas: int) -> int:
        """Return how many replicas there should be.

        Args:
            now: Seconds; never less than before.
            ongoing: Requests that run or wait, in all.
            replicas: How many there are, those that start included.
        """
        scaling = self._scaling
        self._seen.append((now, ongoing))
        while self._seen[0][0] <= now - scaling.look_back_period_s:
            self._seen.popleft()
        mean = sum(each for _, each in self._seen) / len(self._seen)
        wanted = math.ceil(mean / scaling.target_ongoing_requests)
        wanted = min(scaling.max_replicas, max(scaling.min_replicas, wanted))
        direction = (wanted > replicas) - (wanted < replicas)
        if direction != self._direction or not direction:
            self._direction, self._since = direction, now if direction else None
        delay = scaling.upscale_delay_s if direction > 0 else scaling.downscale_delay_s
        if self._since is None or now - self._since < delay:
            return replicas
        self._direction, self._since = 0, None
        return wanted
