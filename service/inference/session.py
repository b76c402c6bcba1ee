"""An ONNX Runtime session for one operation of a model."""

import math
from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import onnxruntime as ort

from service.cpus import usable_cpus
from service.errors import InvalidValue, ShapeMismatch, StartupError
from service.inference.device import CUDA, Execution, check, providers
from service.inference.io_binding import Binding
from service.inference.pixels import Floats
from service.manifest import Operation

TYPES = {"float32": "tensor(float)", "int64": "tensor(int64)"}
BUCKET = 64
"""Height and width of photographs on CUDA are multiples of it: what runs there is chosen, and given
memory, for each size by itself, and there may be any number of them."""

Sigma = float | Floats
"""The standard deviation of noise on the scale of 0 to 255: one for all items, or (batch,)."""


class Session:
    """One graph, ready to run: arrays in, arrays out; safe to call from several threads."""

    def __init__(self, path: Path, operation: Operation, execution: Execution) -> None:
        """Open a graph. Raises StartupError where it is not an ONNX graph as the manifest says."""
        self.operation = operation
        options = ort.SessionOptions()
        options.intra_op_num_threads = execution.threads or _threads(operation)
        # Threads that spin while they wait take whole processors from an idle service.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        # What is planned for each size of a photograph is kept, and takes memory for all of them.
        options.enable_mem_pattern = operation.tiles is None
        # An input that stays on the CPU, as the number of steps does, cannot be in a CUDA graph;
        # nor is there an end to graphs for every size of a photograph.
        graphs = execution.cuda.graphs and operation.steps is None and operation.tiles is None
        wanted = providers(execution, graphs=graphs)
        try:
            self._session = ort.InferenceSession(path, options, providers=wanted)
        except Exception as error:
            raise StartupError(f"{path}: expected an ONNX graph, received: {error}") from error
        self.provider = check(execution.device, self._session)
        self._check_tensors(path)
        # Requests have few shapes, and to look one up takes a tenth of finding it again.
        # (By a function that knows nothing of the session, or the two would keep each other.)
        self._output_shape = lru_cache(256)(partial(_output_shape, operation))
        self._binding: Binding | None = None
        if self.provider == CUDA:
            self._binding = Binding(
                self._session, "cuda", device_id=execution.cuda.device_id, graphs=graphs
            )

    @property
    def multiple(self) -> int:
        """What a photograph's height and width had best be multiples of."""
        stride = self.operation.tiles.stride if self.operation.tiles else 1
        return math.lcm(stride, BUCKET) if self.provider == CUDA else stride

    def run(self, array: Floats, steps: int | None = None, sigma: Sigma | None = None) -> Floats:
        """Return the output for a batch of inputs.

        steps: the length to give back, if free; sigma: how noisy the inputs are, None if unknown.
        """
        feed = {self.operation.input.name: array}
        if self.operation.steps:
            wanted = self.operation.steps.default if steps is None else steps
            feed[self.operation.steps.tensor.name] = np.asarray(wanted, np.int64)
        if self.operation.sigma:
            feed[self.operation.sigma.tensor.name] = self.sigmas(sigma, len(array))
        if self._binding:
            shape = self.output_shape(array.shape, steps)
            return self._binding.run(feed, self.operation.output.name, shape)
        outputs: list[Floats] = self._session.run([self.operation.output.name], feed)
        return outputs[0]

    def output_shape(self, shape: tuple[int, ...], steps: int | None = None) -> tuple[int, ...]:
        """Return the shape of the output for inputs of a shape.

        Raises ShapeMismatch where it is not one that the operation takes, InvalidValue for an empty
        batch, and for steps where the operation has no such input.
        """
        return self._output_shape(shape, steps)

    def sigmas(self, sigma: Sigma | None, count: int) -> Floats:
        """Return how noisy each of so many items is, float32 (count,), as the graph takes it.

        Raises InvalidValue for what is neither from 0 to the highest nor the value for unknown, and
        where the operation has no such input; ShapeMismatch for another number of items.
        """
        known = self.operation.sigma
        if known is None:
            raise InvalidValue(
                f"sigma: expected none, as the model has no such input, received {sigma}"
            )
        values = np.asarray(known.unknown if sigma is None else sigma, np.float32)
        if values.shape not in ((), (count,)):
            raise ShapeMismatch(f"sigma: expected ({count}), received {_sizes(values.shape)}")
        usable = (values >= 0) & (values <= known.highest) | (values == known.unknown)
        if not usable.all():
            raise InvalidValue(
                f"sigma: expected a number from 0 to {known.highest:g}, received "
                f"{values[~usable].flat[0]:g}"
            )
        return np.full(count, values)

    def _check_tensors(self, path: Path) -> None:
        more = [each.tensor for each in (self.operation.steps, self.operation.sigma) if each]
        expected = [self.operation.input, *more, self.operation.output]
        received = [*self._session.get_inputs(), *self._session.get_outputs()]
        told = ", ".join(
            f"{each.name} {TYPES[each.dtype]} {_unnamed(each.shape)}" for each in expected
        )
        found = ", ".join(f"{each.name} {each.type} {_unnamed(each.shape)}" for each in received)
        if told != found:
            raise StartupError(f"{path}: expected the tensors {told}; received {found}")


def _output_shape(
    operation: Operation, shape: tuple[int, ...], steps: int | None
) -> tuple[int, ...]:
    taken, expected = operation.input, operation.input.shape
    fits = len(expected) == len(shape) and all(
        isinstance(size, str) or size == given for size, given in zip(expected, shape, strict=True)
    )
    if not fits:
        raise ShapeMismatch(f"{taken.name}: expected {_sizes(expected)}, received {_sizes(shape)}")
    if 0 in shape:
        raise InvalidValue(
            f"{taken.name}: expected at least one of each of {_sizes(expected)}, "
            f"received {_sizes(shape)}"
        )
    if operation.tiles and any(side % operation.tiles.stride for side in shape[1:3]):
        raise ShapeMismatch(
            f"{taken.name}: expected a height and a width that are multiples of "
            f"{operation.tiles.stride}, received {_sizes(shape)}"
        )
    free = dict(zip(expected, shape, strict=True))
    if operation.steps:
        free["steps"] = operation.steps.default if steps is None else steps
    elif steps is not None:
        raise InvalidValue(
            f"steps: expected none, as {operation.output.name} has one fixed shape, "
            f"received {steps}"
        )
    return tuple(size if isinstance(size, int) else free[size] for size in operation.output.shape)


def _threads(operation: Operation) -> int:
    """Thumbnails are done sooner than threads wake up; pictures of any size are worth them."""
    return usable_cpus() if "height" in operation.input.shape else 1


def _sizes(shape: Sequence[int | str]) -> str:
    return f"({', '.join(map(str, shape))})"


def _unnamed(shape: Sequence[int | str | None]) -> str:
    """The sizes of a shape; what a free one is called matters to people alone."""
    return _sizes([size if isinstance(size, int) else "free" for size in shape])
