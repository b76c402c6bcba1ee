"""What the connections of a server may take."""

from dataclasses import dataclass

BEYOND = 256
"""Connections beyond the limit that are being closed: they have their last response, which their
clients may still read."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What the connections of one process may take.

    Attributes:
        connections: How many there may be besides those that are being closed; 0 for any number.
        idle_seconds: Seconds between a response and the next request.
        head_seconds: Seconds for the head of a request; 0 for any time.
        rate: Bytes a second that a body must come with, and a response be read with; 0 for any.
        read_seconds: Seconds over which the rate of reading a response is measured.
        read_rate: Bytes a second behind which a client that reads may lag by lag_seconds, so that
            what is in memory for it does not stay there for hours; 0 for any.
        lag_seconds: A phone on a 3G network, of 48 kB/s, gets 115 MB by the defaults.
    """

    connections: int = 0
    idle_seconds: float = 5.0
    head_seconds: float = 0.0
    rate: int = 0
    read_seconds: float = 30.0
    read_rate: int = 0
    lag_seconds: float = 600.0
