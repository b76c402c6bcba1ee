"""Machines, network and cost of a load, by arithmetic from what one processor does."""

import math
from dataclasses import dataclass

DAY = 86_400


@dataclass(frozen=True)
class Work:
    """A load of one kind.

    Attributes:
        name: What it is, in words.
        a_day: Items a day.
        processor_seconds: Of a virtual processor, for an item.
        received: Bytes of an item that are read.
        sent: Bytes of its result that are written.
        items_an_object: Items in one object of the store, read and written.
    """

    name: str
    a_day: float
    processor_seconds: float
    received: float
    sent: float
    items_an_object: int = 1


@dataclass(frozen=True)
class Prices:
    """What a provider asks, in dollars.

    Attributes:
        processor_hour: A virtual processor for an hour.
        reads: A million objects read.
        writes: A million objects written.
        terabyte_month: A terabyte stored for a month.
    """

    processor_hour: float
    reads: float
    writes: float
    terabyte_month: float


@dataclass(frozen=True)
class Machine:
    """A machine of the cluster.

    Attributes:
        processors: Virtual processors.
        utilization: How busy they may be, 0 to 1.
        gigabits: Network, in Gbit/s.
    """

    processors: int
    utilization: float
    gigabits: float


@dataclass(frozen=True)
class Need:
    """What a load needs.

    Attributes:
        a_second: Items, on average.
        processors: Virtual processors.
        machines: Machines with these.
        gigabits_a_machine: Network of each machine, in Gbit/s, both directions added up.
        objects_a_second: Objects read, on average; as many are written.
        terabytes_a_day: Results written.
        compute: Dollars a day for machines.
        requests: Dollars a day for requests to the object store.
        storage: Dollars a month for the results of one day.
    """

    a_second: float
    processors: float
    machines: int
    gigabits_a_machine: float
    objects_a_second: float
    terabytes_a_day: float
    compute: float
    requests: float
    storage: float


def need(work: Work, machine: Machine, prices: Prices) -> Need:
    """Return what a load needs, spread evenly over the day."""
    a_second = work.a_day / DAY
    processors = a_second * work.processor_seconds / machine.utilization
    machines = math.ceil(processors / machine.processors)
    objects = work.a_day / work.items_an_object
    return Need(
        a_second=a_second,
        processors=processors,
        machines=machines,
        gigabits_a_machine=a_second * (work.received + work.sent) * 8e-9 / machines,
        objects_a_second=objects / DAY,
        terabytes_a_day=work.a_day * work.sent * 1e-12,
        compute=machines * machine.processors * 24 * prices.processor_hour,
        requests=objects * (prices.reads + prices.writes) / 1e6,
        storage=work.a_day * work.sent * 1e-12 * prices.terabyte_month,
    )
