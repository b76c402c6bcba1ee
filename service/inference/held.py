"""A version of a model as the repository holds it: what is served of it, and what that is from."""

from collections.abc import Collection
from dataclasses import replace
from typing import NamedTuple

from service.inference.loader import Fingerprint
from service.inference.model import Model
from service.inference.registry import Version
from service.manifest import OperationName


class Held(NamedTuple):
    """A version, and what it was made of: its folder's content, and what was unloaded by then."""

    version: Version
    print: Fingerprint
    unloaded: frozenset[OperationName]

    def without(self, unloaded: frozenset[OperationName]) -> "Held":
        """Return it with these operations unloaded; nothing is loaded or warmed up for that."""
        if unloaded == self.unloaded:
            return self
        model = left(self.version.model, unloaded) if self.version.model else None
        return Held(replace(self.version, model=model), self.print, unloaded)


def left(model: Model, unloaded: Collection[OperationName]) -> Model | None:
    """Return what of a model is to be served, None for nothing of it."""
    rest = model.without(unloaded)
    return rest if rest.batchers else None
