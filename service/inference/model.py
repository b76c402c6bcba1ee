"""One served model: its operations over their queues."""

import asyncio
from collections.abc import Collection, Iterator, Mapping

import numpy as np

from service.errors import InvalidValue, OperationNotOffered
from service.inference.batcher import Batcher, Result
from service.inference.device import CUDA
from service.inference.pixels import Floats
from service.inference.session import Session, Sigma
from service.inference.tiling.layout import longest
from service.manifest import Manifest, OperationName, Tensor

WARM = 64
"""Height and width, or a little more, of the photograph that warms a model up."""


class Model:
    """A version of a model, loaded: says what it offers, checks what it is given, runs it."""

    def __init__(self, manifest: Manifest, batchers: Mapping[OperationName, Batcher]) -> None:
        """batchers: the queue before the session of each operation that is offered."""
        self.manifest = manifest
        self.batchers = batchers

    @property
    def name(self) -> str:
        return self.manifest.name

    @property
    def version(self) -> int:
        return self.manifest.version

    @property
    def provider(self) -> str:
        """The execution provider in use, of ONNX Runtime's names."""
        return next(iter(self.batchers.values())).session.provider

    @property
    def takes_photographs(self) -> bool:
        """Whether it denoises photographs of any size, in tiles."""
        denoise = self.manifest.operations.get("denoise")
        return denoise is not None and denoise.tiles is not None

    def offers(self, operation: OperationName) -> bool:
        return operation in self.batchers

    def input(self, operation: OperationName) -> Tensor:
        """Return what an operation takes. Raises OperationNotOffered."""
        return self.session(operation).operation.input

    def output(self, operation: OperationName) -> Tensor:
        """Return what an operation gives. Raises OperationNotOffered."""
        return self.session(operation).operation.output

    def check(
        self,
        operation: OperationName,
        array: Floats,
        steps: int | None = None,
        sigma: Sigma | None = None,
        *,
        known_finite: bool = False,
    ) -> tuple[int, ...]:
        """Return the shape of what an operation gives for a batch of inputs, if it can run.

        known_finite: whether the numbers are known to have no NaN and no inf among them. Raises
        OperationNotOffered; InvalidValue for numbers that are not finite, an empty batch, steps or
        sigma where the operation has no such input, or sigma beyond what it takes; ShapeMismatch.
        """
        session = self.session(operation)
        shape = session.output_shape(array.shape, steps)
        if sigma is not None:
            session.sigmas(sigma, len(array))
        if not known_finite and not np.isfinite(array).all():
            raise InvalidValue(
                f"{self.input(operation).name}: expected finite numbers, received NaN or inf"
            )
        return shape

    def infer(
        self,
        operation: OperationName,
        array: Floats,
        steps: int | None = None,
        sigma: Sigma | None = None,
    ) -> Floats:
        """Return an operation's output for a batch of inputs, in this thread; raise as check()."""
        self.check(operation, array, steps, sigma)
        return self.batchers[operation].session.run(array, steps, sigma)

    def submit(
        self,
        operation: OperationName,
        array: Floats,
        steps: int | None = None,
        sigma: Sigma | None = None,
    ) -> asyncio.Future[Result]:
        """Queue a batch of inputs, after check(), as Batcher.submit says."""
        return self.batchers[operation].submit(array, steps, sigma)

    def without(self, operations: Collection[OperationName]) -> "Model":
        """Return this model with fewer operations; what waits for them is still answered."""
        kept = {name: each for name, each in self.batchers.items() if name not in operations}
        return Model(self.manifest, kept)

    def warm_up(self, max_batch: int = 1) -> None:
        """Run every operation, so that the first request finds memory and kernels ready.

        max_batch: of the sizes 1, 2, 4... up to it, each of which CUDA prepares for by itself.
        """
        for batcher in self.batchers.values():
            for shape in _warming(batcher.session, max_batch):
                batcher.session.run(np.zeros(shape, np.float32))

    def session(self, operation: OperationName) -> Session:
        """Return what runs an operation. Raises OperationNotOffered."""
        try:
            return self.batchers[operation].session
        except KeyError:
            raise OperationNotOffered(
                f"{self.name}: expected one of its operations, {', '.join(self.batchers)}, "
                f"received {operation}"
            ) from None


def _warming(session: Session, max_batch: int) -> Iterator[tuple[int, ...]]:
    """The shapes of what warms a session up."""
    tiles, taken = session.operation.tiles, session.operation.input.shape[1:]
    free = -(-WARM // session.multiple) * session.multiple if tiles else 1
    one = [size if isinstance(size, int) else free for size in taken]
    for doubled in range((max_batch - 1).bit_length() + 1):
        yield (1 << doubled, *one)
    if tiles and session.provider == CUDA:  # which finds memory and kernels for each size anew
        side = longest(tiles, multiple=session.multiple)
        yield (1, *(each if isinstance(each, int) else side for each in taken))
