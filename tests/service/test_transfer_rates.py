"""Clients that read at the rates of networks get their responses; memory is not kept for hours."""

from typing import cast

import pytest

from service.server.connection import Connection
from service.server.limits import ConnectionLimits
from service.server.transfer_rates import TransferRates
from service.settings import Settings

KB, MB = 1000, 1_000_000
LIMITS = ConnectionLimits(
    rate=Settings.model_fields["min_rate"].default,
    read_seconds=Settings.model_fields["timeout"].default,
    read_rate=Settings.model_fields["min_read_rate"].default,
)


class Reader:
    """Reads a response at some rate."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._read = 0.0

    def read(self) -> int:
        return int(self._read)

    def unread(self) -> int:
        return self._size - self.read()

    def take(self, amount: float) -> None:
        self._read = min(self._size, self._read + amount)


def seconds(size: int, rate: float, *, away: range = range(0)) -> tuple[bool, int]:
    """Return whether a client gets a response, and after how many seconds it is over."""
    reader, rates = Reader(size), TransferRates(LIMITS)
    rates.measure_response(cast("Connection", reader), 0.0)
    for second in range(1, 100_000):
        if second not in away:
            reader.take(rate)
        if [*rates.slow_readers(float(second))]:
            return False, second
        if not rates:
            return True, second
    pytest.fail("expected the response to end")


@pytest.mark.parametrize(
    ("size", "rate"),
    [
        (8 * MB, 16 * KB),  # a photograph in JPEG, by EDGE
        (30 * MB, 48 * KB),  # one of 12 megapixels in PNG, by 3G
        (110 * MB, 48 * KB),
        (150 * MB, 64 * KB),  # one of 50 megapixels
    ],
)
def test_photographs_arrive_by_slow_networks(size: int, rate: float) -> None:
    has_arrived, took = seconds(size, rate)
    assert has_arrived
    assert took == pytest.approx(size / rate, abs=1)


def test_a_client_that_is_away_for_a_while_gets_its_photograph() -> None:
    assert seconds(30 * MB, 100 * KB, away=range(100, 129))[0]


@pytest.mark.parametrize("rate", [1 * KB, 16 * KB, 40 * KB])
def test_no_client_keeps_a_response_in_memory_for_an_hour(rate: float) -> None:
    has_arrived, took = seconds(150 * MB, rate)
    assert not has_arrived
    assert took < 1700


def test_a_client_that_reads_nothing_is_dropped_at_once() -> None:
    assert seconds(150 * MB, 0) == (False, LIMITS.read_seconds)


def test_further_parts_of_a_response_do_not_begin_the_measurement_anew() -> None:
    reader, rates = Reader(150 * MB), TransferRates(LIMITS)
    for second in range(700):
        rates.measure_response(cast("Connection", reader), float(second))  # as more is written
        reader.take(2 * KB)
        if [*rates.slow_readers(float(second))]:
            break
    assert 600 < second < 660
