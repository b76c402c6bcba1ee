import math
import random

import pytest

from benchmarks.dialects import JSON, NPY
from benchmarks.images import noisy
from benchmarks.scaling.autoscaler import Autoscaler, Scaling
from benchmarks.scaling.cluster import Cluster, simulate
from benchmarks.scaling.load import Service, steady, step
from benchmarks.scaling.measured import PACKED, PACKED_BYTES, THUMBNAIL_BYTES


class Exponential(Service):
    """Service times for which queueing theory has exact results."""

    def draw(self, generator: random.Random) -> float:
        return generator.expovariate(1 / self.seconds)


def erlang_c(servers: int, load: float) -> float:
    """The probability that a request waits in M/M/c, for a load in Erlangs."""
    terms = [load**k / math.factorial(k) for k in range(servers)]
    last = load**servers / math.factorial(servers) * servers / (servers - load)
    return last / (sum(terms) + last)


def mean_wait(service: Service, rate: float, cluster: Cluster, seconds: float) -> float:
    outcome = simulate(
        cluster, service, steady(rate), highest=rate, seconds=seconds, seed=1, warm_up=100
    )
    assert not outcome.refused
    return sum(outcome.latencies) / len(outcome.latencies) - service.mean


@pytest.mark.parametrize("spread", [0.0, 1.0])
def test_one_replica_waits_as_pollaczek_and_khinchine_found(spread: float) -> None:
    rate, service = 0.7, Service(1.0, spread)
    expected = rate * (1 + spread**2) / (2 * (1 - rate))
    found = mean_wait(service, rate, Cluster(1), 30_000)
    assert found == pytest.approx(expected, rel=0.1)


def test_several_slots_wait_as_erlang_found() -> None:
    servers, rate = 4, 3.2
    expected = erlang_c(servers, rate) / (servers - rate)
    found = mean_wait(Exponential(1.0), rate, Cluster(1, slots=servers), 10_000)
    assert found == pytest.approx(expected, rel=0.1)


def test_the_better_of_two_random_replicas_waits_as_mitzenmacher_found() -> None:
    load, replicas = 0.8, 60
    expected = sum(load ** (2**i - 2) for i in range(1, 20)) - 1  # of replicas without number
    found = mean_wait(Exponential(1.0), load * replicas, Cluster(replicas), 300)
    assert found == pytest.approx(expected, rel=0.1)
    blind = mean_wait(Exponential(1.0), load * replicas, Cluster(replicas, choices=1), 300)
    assert blind > 2.5 * found


def test_as_many_slots_are_busy_as_the_load_needs() -> None:
    outcome = simulate(Cluster(10), Service(0.5, 0.5), steady(12), highest=12, seconds=2000, seed=3)
    assert outcome.busy / outcome.slot_seconds == pytest.approx(0.6, rel=0.05)


def test_what_finds_no_room_is_refused() -> None:
    outcome = simulate(
        Cluster(2, bound=3), Service(1.0), steady(4), highest=4, seconds=1000, seed=4
    )
    # Twice of what is served comes: half of it is refused, and nobody waits for more than two.
    assert outcome.refused_share == pytest.approx(0.5, abs=0.03)
    assert max(outcome.latencies) <= 3.0 + 1e-9


def test_replicas_follow_the_load_after_their_delays() -> None:
    scaling = Scaling(2, 20, target_ongoing_requests=1, upscale_delay_s=10, start_seconds=50)
    cluster, service = Cluster(2, scaling=scaling), Service(1.0)
    outcome = simulate(cluster, service, step(1, 6, 300), highest=6, seconds=2000, seed=5)
    assert 7 <= outcome.most <= 20
    assert outcome.percentile(99, since=1500) < outcome.percentile(99) < 300
    assert not outcome.refused


def test_requests_of_a_replica_that_fails_are_run_elsewhere() -> None:
    cluster = Cluster(5, lifetime=200)
    outcome = simulate(cluster, Service(1.0), steady(3), highest=3, seconds=3000, seed=6)
    assert outcome.repeated > 10
    assert len(outcome.latencies) == pytest.approx(9000, rel=0.05)


def test_the_autoscaler_decides_as_ray_serve_does() -> None:
    scaling = Scaling(1, 10, 2, look_back_period_s=10, upscale_delay_s=5, downscale_delay_s=20)
    autoscaler = Autoscaler(scaling)
    decided, replicas = [], 1
    for second in range(60):
        replicas = autoscaler.decide(second, 8 if second < 20 else 2, replicas)
        decided.append(replicas)
    assert decided[4:6] == [1, 4]  # wanted since 0, for 5 s
    assert 40 <= decided.index(1, 20) <= 45  # fewer are wanted once the mean falls, and for 20 s
    assert decided[-1] == 1


def test_a_changing_mind_starts_the_delay_anew() -> None:
    autoscaler = Autoscaler(Scaling(1, 10, 1, look_back_period_s=1, upscale_delay_s=3))
    ongoing = [5, 5, 1, 5, 5, 5, 5]
    assert [autoscaler.decide(at, each, 1) for at, each in enumerate(ongoing)] == [1] * 6 + [5]


def test_thumbnails_have_the_bytes_of_the_requests_that_were_measured() -> None:
    assert len(JSON.ask(noisy(1)).body) == THUMBNAIL_BYTES[0]
    assert len(NPY.ask(noisy(PACKED)).body) == PACKED * PACKED_BYTES[0]
