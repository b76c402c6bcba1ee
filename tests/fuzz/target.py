"""What is fuzzed: a function of bytes that raises only on a fault, and inputs to start from."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass


class Fault(AssertionError):
    """A parser has done what it must not do."""


@dataclass(frozen=True)
class Target:
    """What is fuzzed.

    Attributes:
        run: Parses an input. It raises nothing where the input is refused as documented.
        seeds: Returns inputs to start from.
        share: Its part of the inputs of a run of all targets.
        longest: Most bytes of an input.
        words: What inputs of this kind are made of, for a fuzzer to insert.
    """

    run: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]
    share: int
    longest: int = 1024
    words: tuple[bytes, ...] = ()
