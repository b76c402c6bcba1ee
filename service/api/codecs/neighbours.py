"""The codec of /neighbours: items, or codings, to the items of the index that are nearest."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from service.api.codecs.batch import BatchCodec
from service.api.codecs.codec import Array, Encoded
from service.api.media_types import JSON, NPY, responses
from service.errors import UnsupportedMediaType
from service.inference.executor import Executor
from service.inference.neighbours.search import DEFAULT

SHORT = 100
"""Neighbours that are named in 0.2 ms."""


@dataclass(eq=False)
class NeighboursCodec(BatchCodec):
    """The codec of a request for neighbours."""

    def __post_init__(self) -> None:
        """Read the body as /encode or, of codings, as /decode does."""
        if not self.of_codings:
            self.operation = "encode"
            return
        self.operation = "decode"
        if self.media.name not in (JSON, NPY):
            raise UnsupportedMediaType(
                f"body: expected codings as {JSON} or {NPY}, received {self.media.name}"
            )

    @property
    def of_codings(self) -> bool:
        """Whether the body has codings, not items."""
        return self.choice.of == "codings"

    @property
    def k(self) -> int:
        """How many neighbours each item is to have."""
        index = self.model.manifest.index
        assert index
        return min(self.choice.k or DEFAULT, index.count)

    @property
    def search(self) -> Executor:
        """What looks for codings."""
        return self.model.batchers["neighbours"]

    @property
    def batcher(self) -> Executor:
        return self.search if self.of_codings else self.model.batchers["encode"]

    def negotiate(self, _count: int) -> None:
        self.answer = responses("neighbours", JSON, single=True)[self.accept]

    def has_floats(self) -> bool:
        return False

    def encodes_now(self, outputs: Array) -> bool:
        return outputs.size <= 2 * SHORT

    def encode(self, outputs: Array) -> Encoded:
        items = self.model.items
        assert items
        near = [items.of(each) for each in outputs[..., 0].astype(np.intp).tolist()]
        document: dict[str, Any] = {
            "model": self.model.name,
            "version": self.model.version,
            "ids": [[item.id for item in each] for each in near],
            "labels": [[item.label for item in each] for each in near],
            "distances": np.ascontiguousarray(outputs[..., 1]),
        }
        if self.series:
            document["starts"] = self.series.starts
            document["rows_left_over"] = self.series.left_over
        text = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
        return Encoded(JSON, (text,), self.left_over())
