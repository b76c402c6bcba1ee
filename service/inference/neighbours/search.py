"""The search for neighbours, as an operation: codings to the nearest codings of the index."""

from pathlib import Path
from typing import Protocol

import numpy as np

from service.errors import StartupError
from service.index import Index
from service.inference.device import CPU
from service.inference.neighbours.exact import Exact, Found
from service.inference.neighbours.items import Items
from service.inference.pixels import Floats
from service.inference.session import Sigma, Signature
from service.manifest import Manifest, Operation, StepsInput, Tensor, regular

DEFAULT = 10
"""Neighbours of each coding where a request does not say how many."""


class Finder(Protocol):
    """What finds the nearest codings."""

    def nearest(self, queries: Floats, k: int, /) -> Found:
        """Return the k nearest codings of each query (queries, dimension)."""


def described(manifest: Manifest) -> Operation | None:
    """Return what the search of a model takes and gives, None where it has no index.

    The input is a coding. The output has two numbers for each neighbour: which item of the index it
    is, and its distance. How many neighbours there are takes the place of the number of steps. The
    file is the encoder's.
    """
    encode = manifest.operations.get("encode")
    if not manifest.index or not encode:
        return None
    most = StepsInput(
        tensor=Tensor(name="k", dtype="int64", shape=()), default=min(DEFAULT, manifest.index.count)
    )
    output = Tensor(name="neighbours", dtype="float32", shape=("batch", "steps", 2))
    return encode.model_copy(update={"input": encode.output, "output": output, "steps": most})


class Search(Signature):
    """The search in an index, ready to run; safe to call from several threads."""

    def __init__(self, operation: Operation, finder: Finder) -> None:
        """Create a search.

        Args:
            operation: What described() returns.
            finder: Has the codings of the index.
        """
        super().__init__(operation, CPU)
        self._finder = finder

    def run(
        self,
        array: Floats,
        steps: int | None = None,
        sigma: Sigma | None = None,  # noqa: ARG002 - as Session.run() takes them
        profile: Floats | None = None,  # noqa: ARG002
    ) -> Floats:
        """Return the neighbours of codings that check() accepts.

        Args:
            array: Codings, batch dimension first.
            steps: How many neighbours, 1 to the count of the index; None for the default.
            sigma: None.
            profile: None.

        Returns:
            float32 (batch, k, 2): the number of each neighbour in the index, and its distance.
        """
        assert self.operation.steps
        queries = array.reshape(len(array), -1)
        found = self._finder.nearest(queries, steps or self.operation.steps.default)
        return np.stack([found.numbers.astype(np.float32), found.distances], axis=-1)


def open_finder(folder: Path, index: Index) -> Finder:
    """Return what finds the nearest codings of an index, its file mapped into memory.

    Raises:
        StartupError: The file is not as the manifest says.
    """
    path = regular(folder, index.codings.file)
    expected = (index.count, index.dimension)
    try:
        codings = np.lib.format.open_memmap(path, mode="r")
    except (OSError, ValueError) as error:
        raise StartupError(f"{path}: expected an array of codings, received: {error}") from error
    if codings.dtype != np.float32 or codings.shape != expected or not codings.flags.c_contiguous:
        raise StartupError(
            f"{path}: expected float32 {expected}, received {codings.dtype} {codings.shape}"
        )
    return Exact(codings, index.metric)


def open_items(folder: Path, index: Index) -> Items:
    """Return the items of an index.

    Raises:
        StartupError: Their file is not as the manifest says.
    """
    path = folder / index.items.file
    try:
        return Items(regular(folder, index.items.file), index.count)
    except (OSError, ValueError) as error:
        raise StartupError(f"{path}: {error}") from error
