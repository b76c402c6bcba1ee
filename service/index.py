"""The index of a model: the codings of a data set, among which neighbours are found."""

from typing import Annotated, Literal

from pydantic import Field

from service.strict import Strict

MOST = 2**24
"""Items of an index: as many as float32 counts without a gap, in which outputs have their numbers.
"""

Metric = Literal["euclidean", "cosine"]


class IndexFile(Strict):
    """A file of an index."""

    file: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*\.(npy|jsonl)$")]
    """The file's name, beside the manifest."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """The file's SHA-256."""


class Index(Strict):
    """The codings of a data set, among which those nearest to another coding are found."""

    data: str
    """The items, in words."""
    count: Annotated[int, Field(ge=1, le=MOST)]
    """How many."""
    dimension: Annotated[int, Field(ge=1)]
    """Numbers of a coding."""
    metric: Metric
    """How far codings are from each other: the root of the sum of the squared differences of their
    numbers, or 1 less the cosine of the angle between them."""
    codings: IndexFile
    """Float32 (count, dimension) as numpy writes it; of length 1 where the metric is the cosine."""
    items: IndexFile
    """JSON Lines, an object for each coding: `id`, by which the item is found again, and `label`,
    its class or null."""
