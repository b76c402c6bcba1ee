"""One served model: its operations over its sessions."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from service.errors import InvalidValue, OperationNotOffered, ShapeMismatch
from service.inference.pixels import Floats
from service.inference.session import Session
from service.manifest import Dimension, Manifest, OperationName, Tensor


@dataclass(frozen=True)
class Result:
    """What an operation gave, and the seconds it waited for a session and ran in one."""

    output: Floats
    queue: float
    inference: float


class Model:
    """A version of a model, loaded: says what it offers, checks what it is given, runs it."""

    def __init__(self, manifest: Manifest, sessions: Mapping[OperationName, Session]) -> None:
        self.manifest = manifest
        self._sessions = sessions

    @property
    def name(self) -> str:
        return self.manifest.name

    @property
    def version(self) -> int:
        return self.manifest.version

    @property
    def provider(self) -> str:
        """The execution provider in use, of ONNX Runtime's names."""
        return next(iter(self._sessions.values())).provider

    def offers(self, operation: OperationName) -> bool:
        return operation in self._sessions

    def input(self, operation: OperationName) -> Tensor:
        """Return what an operation takes. Raises OperationNotOffered."""
        return self._session(operation).operation.input

    def check(self, operation: OperationName, array: Floats, steps: int | None = None) -> None:
        """Raise unless an operation can run on a batch of inputs.

        OperationNotOffered; InvalidValue for numbers that are not finite, an empty batch, or
        steps where the operation has no such input; ShapeMismatch.
        """
        described = self._session(operation).operation
        expected, received = described.input.shape, array.shape
        if not _fits(expected, received):
            raise ShapeMismatch(
                f"{described.input.name}: expected {_written(expected)}, "
                f"received {_written(received)}"
            )
        if 0 in received:
            raise InvalidValue(
                f"{described.input.name}: expected at least one of each of {_written(expected)}, "
                f"received {_written(received)}"
            )
        if not np.isfinite(array).all():
            raise InvalidValue(
                f"{described.input.name}: expected finite numbers, received NaN or inf"
            )
        if steps is not None and described.steps is None:
            raise InvalidValue(
                f"steps: expected none, as {operation} of {self.name} gives back one fixed shape, "
                f"received {steps}"
            )

    def output_shape(
        self, operation: OperationName, array: Floats, steps: int | None = None
    ) -> tuple[int, ...]:
        """Return the shape of what an operation gives for a batch of inputs, after check()."""
        described = self._session(operation).operation
        free = dict(zip(described.input.shape, array.shape, strict=True))
        if described.steps:
            free["steps"] = described.steps.default if steps is None else steps
        return tuple(
            size if isinstance(size, int) else free[size] for size in described.output.shape
        )

    def infer(self, operation: OperationName, array: Floats, steps: int | None = None) -> Floats:
        """Return an operation's output for a batch of inputs, in this thread; raise as check()."""
        self.check(operation, array, steps)
        return self._session(operation).run(array, steps)

    async def run(
        self, operation: OperationName, array: Floats, steps: int | None = None
    ) -> Result:
        """Return an operation's output, after check(), without blocking the event loop."""
        session = self._session(operation)
        asked = time.perf_counter()

        def work() -> Result:
            began = time.perf_counter()
            output = session.run(array, steps)
            if not np.isfinite(output).all():
                raise InvalidValue(
                    f"{session.operation.input.name}: expected numbers of the model's range, "
                    "received some so large that its outputs are not finite"
                )
            return Result(output, began - asked, time.perf_counter() - began)

        return await asyncio.to_thread(work)

    def warm_up(self) -> None:
        """Run every operation once, so that the first request finds memory and kernels ready."""
        for name, session in self._sessions.items():
            smallest = [size if isinstance(size, int) else 1 for size in self.input(name).shape]
            session.run(np.zeros(smallest, np.float32))

    def _session(self, operation: OperationName) -> Session:
        try:
            return self._sessions[operation]
        except KeyError:
            raise OperationNotOffered(
                f"{self.name}: expected one of its operations, {', '.join(self._sessions)}, "
                f"received {operation}"
            ) from None


def _fits(expected: tuple[Dimension, ...], received: tuple[int, ...]) -> bool:
    return len(expected) == len(received) and all(
        isinstance(size, str) or size == given
        for size, given in zip(expected, received, strict=True)
    )


def _written(shape: tuple[Dimension, ...]) -> str:
    return f"({', '.join(map(str, shape))})"
