"""API keys for tests."""

import math
from typing import NamedTuple

from service.access.allowance import DEFAULT, Allowance
from service.access.entry import create
from service.access.identity import ScopeName


class Made(NamedTuple):
    """A key, and the line that a service stores of it."""

    key: str
    line: str

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


def made(
    name: str,
    *scopes: ScopeName,
    expires: float = math.inf,
    allowance: Allowance = DEFAULT,
) -> Made:
    key, entry = create(name, frozenset(scopes or ("infer",)), expires, allowance)
    return Made(key, entry.line)


def lines(*keys: Made) -> str:
    return "".join(f"{each.line}\n" for each in keys)
