"""Targets find parsers that are wrong: those that refuse what they should read, and leaks."""

import contextlib
from collections.abc import Callable

import pytest

from service.api.codecs import json_pieces, npy
from service.errors import MalformedBody
from tests.fuzz import engine
from tests.fuzz.engine import Watched
from tests.fuzz.registry import target_of
from tests.fuzz.target import Fault, Target


def refuse(*_: object) -> None:
    raise MalformedBody("body: expected another")


def faults(name: str) -> int:
    """Return for how many seeds a target raises a fault."""
    target, found = target_of(name), 0
    for data in target.seeds():
        try:
            target.run(data)
        except Fault:
            found += 1
    return found


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("json_arrays", (json_pieces, "_decode_pieces")),
        ("npy", (npy, "_header")),
        ("npy", (npy, "_end_of_header")),
    ],
)
def test_a_parser_that_refuses_what_is_right_is_found(
    name: str, broken: tuple[object, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not faults(name)
    monkeypatch.setattr(*broken, refuse)
    assert faults(name)


@pytest.mark.parametrize(("mebibytes", "is_fault"), [(engine.GROWTH, False), (40, True)])
def test_a_parser_that_keeps_memory_is_found(
    mebibytes: int, monkeypatch: pytest.MonkeyPatch, *, is_fault: bool
) -> None:
    resident = iter([1 << 20, (1 + mebibytes) << 20])
    monkeypatch.setattr(engine, "_resident", lambda: next(resident))
    watched = Watched(Target(lambda _: None, list, share=1), 100)
    expected: Callable[..., contextlib.AbstractContextManager[object]] = (
        pytest.raises if is_fault else contextlib.nullcontext
    )
    with expected(Fault):
        for _ in range(100):
            watched(b"")
