"""The parameters of the operations, in a query and in a form."""

import math
from urllib.parse import parse_qsl

from service.api.query import KINDS, parse
from service.errors import InvalidValue
from tests.fuzz.target import Fault, Target

OPERATIONS = tuple(KINDS.values())


def run(data: bytes) -> None:
    """The first byte says of which operation; the first line is the query, the next one a form."""
    query, _, form = data[1:].partition(b"\n")
    kind = OPERATIONS[(data[:1] or b"\0")[0] % len(OPERATIONS)]
    fields = parse_qsl(form.decode("latin-1"), keep_blank_values=True)
    try:
        choice = parse(query, kind, fields)
    except InvalidValue:
        return
    controls = choice.controls
    numbers = (choice.sigma or 0.0, controls.strength, controls.luma, controls.chroma)
    if not all(map(math.isfinite, numbers)) or min(numbers) < 0 or max(numbers) > 100:
        raise Fault(f"expected numbers in their ranges, received {choice}")


def seeds() -> list[bytes]:
    queries = (
        b"model=half&version=1&fit=true\n",
        b"model=rows&steps=28\n",
        b"sigma=20&strength=0.5&luma=1&chroma=0&effort=8&region=0,0,640,480&quality=90\n",
        b"sigma=1e1\nstrength=.5&quality=100",
        b"model=%20&format=png\nmodel=x",
        b"sigma=nan&luma=inf\nregion=0,0,0,0",
    )
    return [bytes([number]) + query for number in range(len(OPERATIONS)) for query in queries]


WORDS = tuple(f"{name}=".encode() for kind in OPERATIONS for name in kind.model_fields)  # as sent
TARGET = Target(run, seeds, share=930, longest=512, words=tuple(dict.fromkeys(WORDS)))
