"""One served model: its operations, each with its queue and session."""

from collections.abc import Collection, Iterator, Mapping
from typing import Self

import numpy as np

from service.errors import OperationNotOffered, ShapeMismatch, one_of
from service.inference.batcher import Batcher
from service.inference.device import CPU, CUDA
from service.inference.executor import Executor
from service.inference.neighbours.items import Items
from service.inference.pixels import Floats
from service.inference.session import Sigma, Signature
from service.inference.tiling.denoise import Denoiser
from service.inference.tiling.estimate import Estimator
from service.manifest import Manifest, OperationName

WARM_SIDE = 64
"""Height and width, rounded up, of the photographs that warm a model up."""

MEASURED_SIDE = 256
"""The same of one from which it is estimated how long larger ones take, until one has run: large
enough that the cost of a run by itself is small."""

MEASURED_RUNS = 3
"""Runs of it: the least counts, as another process may delay one."""


class Model:
    """A version of a model that is served, by graphs in this process or in others.

    Attributes:
        manifest: What its folder says of it.
        name: Its name.
        version: Its version.
        provider: The execution provider in use, by ONNX Runtime's name; where operations differ,
            the one that is not the CPU's own.
        batchers: The queue and the session of each operation that is offered.
        denoiser: Denoises photographs of any size, None for a model of thumbnails.
        estimator: Estimates their noise, None where the model cannot.
        of_photographs: Operations that take photographs of any size.
        items: What the codings of its index are of, None without one.
    """

    def __init__(
        self,
        manifest: Manifest,
        batchers: Mapping[OperationName, Executor],
        items: Items | None = None,
    ) -> None:
        """Create a model that offers the operations of these batchers."""
        self.manifest = manifest
        self.name = manifest.name
        self.version = manifest.version
        used = [each.session.provider for each in batchers.values()]
        self.provider = next((each for each in used if each != CPU), used[0] if used else "")
        self.batchers = batchers
        self.items = items
        self.denoiser: Denoiser | None = None
        self.estimator: Estimator | None = None
        if manifest.rows and manifest.rows.missing:
            for name, each in batchers.items():
                each.session.missing = name not in ("decode", "neighbours")  # of codings
        pixels = manifest.pixels
        if pixels and (estimating := batchers.get("estimate")):
            self.estimator = Estimator(estimating, pixels)
        batcher = batchers.get("denoise")
        if pixels and batcher and batcher.session.tiling:
            self.denoiser = Denoiser(batcher, batcher.session.tiling, pixels, self.estimator)

        able = {"denoise": self.denoiser, "estimate": self.estimator}
        self.of_photographs = frozenset(name for name, each in able.items() if each)

    def photographs(self) -> Denoiser:
        """Return the denoiser.

        Raises:
            OperationNotOffered: The model does not denoise.
            ShapeMismatch: It denoises images of one size only.
        """
        self._offers("denoise")
        if self.denoiser is None:
            raise ShapeMismatch(
                f"model: expected one that takes photographs of any size, received {self.name}"
            )
        return self.denoiser

    def without(self, operations: Collection[OperationName]) -> Self:
        """Return this model with fewer operations; requests that wait for them are still served."""
        gone = set(operations)
        if gone & {"encode", "decode"}:  # which it consists of
            gone.add("reconstruct")
        if "encode" in gone:
            gone.add("neighbours")
        kept = {name: each for name, each in self.batchers.items() if name not in gone}
        return type(self)(self.manifest, kept, self.items)

    def _offers(self, operation: OperationName) -> None:
        """Raise OperationNotOffered where the model has no such operation."""
        if operation not in self.batchers:
            raise OperationNotOffered(
                f"operation: expected {one_of(self.batchers)} of {self.name}, received {operation}"
            )


class LoadedModel(Model):
    """A version whose graphs are in this process."""

    batchers: Mapping[OperationName, Batcher]

    def infer(
        self,
        operation: OperationName,
        array: Floats,
        steps: int | None = None,
        sigma: Sigma | None = None,
    ) -> Floats:
        """Check inputs and run an operation in this thread, past the queue.

        Raises:
            OperationNotOffered: The model has no such operation.
            ShapeMismatch: As Session.check().
            InvalidValue: As Session.check().
        """
        self._offers(operation)
        session = self.batchers[operation].session
        session.check(array, steps, sigma)
        return session.run(array, steps, sigma)

    def warm_up(self, max_batch: int = 1) -> None:
        """Run every operation, so that the first request finds memory and kernels ready.

        The last shape runs some more times, to tell how long requests will take.

        Args:
            max_batch: Items of the largest batch; each power of two up to it is run, as CUDA
                prepares for each.
        """
        for batcher in self.batchers.values():
            shapes = list(_warm_shapes(batcher.session, max_batch))
            for shape in shapes:
                batcher.session.run(np.zeros(shape, np.float32))
            for _ in range(MEASURED_RUNS):
                batcher.measure(shapes[-1])


def _warm_shapes(session: Signature, max_batch: int) -> Iterator[tuple[int, ...]]:
    """The shapes that warm a session up; free sizes are 1 unless they are a photograph's."""
    dimensions, tiling = session.operation.input.shape[1:], session.tiling

    def shape(items: int, free: int) -> tuple[int, ...]:
        return (items, *(free if isinstance(size, str) else size for size in dimensions))

    if described := session.operation.mosaic:
        yield shape(1, described.crop * described.across)
        return
    side = tiling.padded(WARM_SIDE) if tiling else 1
    for power in range((max_batch - 1).bit_length() + 1):
        yield shape(1 << power, side)
    if tiling:
        on_cuda = session.provider == CUDA  # which prepares for each size anew
        yield shape(1, tiling.longest() if on_cuda else tiling.padded(MEASURED_SIDE))
