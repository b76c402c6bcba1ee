"""One operation of a model: what its inputs must be, and the ONNX Runtime session that runs it."""

from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import onnxruntime as ort

from service.cpus import usable_cpus
from service.errors import InvalidValue, ShapeMismatch, StartupError
from service.inference.device import CUDA, Execution, check, providers
from service.inference.io_binding import Binding
from service.inference.openvino import OPENVINO
from service.inference.pixels import Floats
from service.inference.tiling.layout import Tiling
from service.manifest import PROFILE, Operation

TYPES = {"float32": "tensor(float)", "int64": "tensor(int64)"}
BUCKET = 64
"""Height and width of tiles on CUDA are multiples of it: cuDNN chooses kernels and memory for each
size anew, and photographs have any number of sizes."""

NO_MEMORY = ("Failed to allocate memory", "bad_alloc", "out of memory")
"""What ONNX Runtime's errors say where there is no memory; their class is that of any failure."""

Sigma = float | Floats
"""The standard deviation of noise on the scale of 0 to 255: one for all items, or (batch,)."""


class Signature:
    """What a graph takes and gives, by its manifest: it need not be in this process.

    Attributes:
        operation: What the manifest says of the graph.
        provider: The execution provider in use, by ONNX Runtime's name.
        any_size: Whether the graph takes photographs of any height and width.
        missing: Whether NaN is an input like others: a number that is missing.
        tiling: How photographs of any size become inputs, None for a model of thumbnails.
    """

    def __init__(self, operation: Operation, provider: str) -> None:
        """Describe a graph.

        Args:
            operation: What the manifest says of it.
            provider: The execution provider that runs it.
        """
        self.operation = operation
        self.provider = provider
        self.any_size = takes_any_size(operation)
        self.missing = False
        bucket = BUCKET if provider == CUDA else 1
        self.tiling = Tiling.of(operation.tiles, bucket) if operation.tiles else None
        # Requests have few shapes, and a lookup takes a tenth of the check. (A function that does
        # not know the session: a bound method would be a reference cycle.)
        self._output_shape = lru_cache(256)(partial(_output_shape, operation))

    def check(
        self,
        array: Floats,
        steps: int | None = None,
        sigma: Sigma | None = None,
        *,
        known_finite: bool = False,
    ) -> tuple[int, ...]:
        """Check that inputs can run.

        Args:
            array: Inputs, batch dimension first.
            steps: Length of the sequence to return, None for the model's default.
            sigma: Noise level of the inputs on the scale of 0 to 255, None if unknown.
            known_finite: Whether the inputs are known to contain no NaN and no infinity.

        Returns:
            The shape of the output.

        Raises:
            ShapeMismatch: The inputs, or sigma, have another shape than the operation's.
            InvalidValue: The batch is empty, a number is not finite, the operation has no such
                input as steps or sigma, or sigma is beyond its range.
        """
        shape = self.output_shape(array.shape, steps)
        if sigma is not None:
            self.sigmas(sigma, len(array))
        if not known_finite and not np.isfinite(array).all():
            if not self.missing:
                raise InvalidValue(
                    f"{self.operation.input.name}: expected finite numbers, received NaN or inf"
                )
            if np.isinf(array).any():
                raise InvalidValue(
                    f"{self.operation.input.name}: expected finite numbers, or NaN where one is "
                    "missing, received inf"
                )
        return shape

    def output_shape(self, shape: tuple[int, ...], steps: int | None = None) -> tuple[int, ...]:
        """Return the shape of the output for inputs of a shape.

        Raises:
            ShapeMismatch: The operation takes no inputs of this shape.
            InvalidValue: The batch is empty, or the operation has no steps.
        """
        return self._output_shape(shape, steps)

    def sigmas(self, sigma: Sigma | None, count: int) -> Floats:
        """Return the noise level of each item as the graph takes it.

        Args:
            sigma: Noise level on the scale of 0 to 255, one or (count,); None if unknown.
            count: The number of items.

        Returns:
            float32 (count,).

        Raises:
            ShapeMismatch: Sigma has another number of items.
            InvalidValue: Sigma is neither in the model's range nor its value for unknown, or the
                operation has no such input.
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

    def profiles(self, profile: Floats | None, count: int) -> Floats:
        """Return the profile of each item's noise as the graph takes it, float32 (count, 5).

        Args:
            profile: One, or (count, 5); None if unknown.
            count: The number of items.
        """
        described = self.operation.profile
        unknown = described.unknown if described else 0.0
        return np.broadcast_to(
            np.float32(unknown) if profile is None else profile, (count, PROFILE)
        )


class Session(Signature):
    """One graph, ready to run; safe to call from several threads."""

    def __init__(self, path: Path, operation: Operation, execution: Execution) -> None:
        """Open a graph.

        Args:
            path: The ONNX file.
            operation: What the manifest says of it.
            execution: The device and its options.

        Raises:
            StartupError: The file is not an ONNX graph, its tensors are not the manifest's, or the
                device does not run.
        """
        any_size = takes_any_size(operation)
        options = ort.SessionOptions()
        # Thumbnails are done before threads wake up; photographs are worth all CPUs.
        threads = execution.threads or (usable_cpus() if any_size else 1)
        options.intra_op_num_threads = threads
        # Threads that spin while they wait take whole CPUs from an idle service.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        # The memory pattern of every size of a photograph would be kept.
        options.enable_mem_pattern = not any_size
        # An input on the CPU, as the number of steps is, cannot be part of a CUDA graph; and
        # photographs would need a graph for every size.
        graphs = execution.cuda.graphs and operation.steps is None and not any_size
        wanted = providers(
            execution, graphs=graphs, photographs=operation.tiles is not None, threads=threads
        )
        expected, fallback = "an ONNX graph", {}
        if wanted[0][0] == OPENVINO:
            # The provider takes what it can and leaves the rest, which may be all, to the CPU's.
            options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
            options.log_severity_level = 4  # the error that is raised says it
            expected, fallback = f"a graph that {OPENVINO} takes whole", {"enable_fallback": 0}
        try:
            self._session = ort.InferenceSession(path, options, providers=wanted, **fallback)
        except Exception as error:
            raise StartupError(f"{path}: expected {expected}, received: {error}") from error
        super().__init__(operation, check(execution.device, wanted[0], self._session))
        self._check_tensors(path)
        self._binding: Binding | None = None
        if self.provider == CUDA:
            self._binding = Binding(
                self._session, "cuda", device_id=execution.cuda.device_id, graphs=graphs
            )

    def run(
        self,
        array: Floats,
        steps: int | None = None,
        sigma: Sigma | None = None,
        profile: Floats | None = None,
    ) -> Floats:
        """Run the graph in this thread.

        Args:
            array: Inputs that check() accepts, batch dimension first.
            steps: Length of the sequence to return, None for the model's default.
            sigma: Noise level of the inputs on the scale of 0 to 255, None if unknown.
            profile: What else is known of the noise, (batch, 5) or (5,), None if unknown.

        Returns:
            The outputs, batch dimension first.

        Raises:
            MemoryError: ONNX Runtime finds no memory.
        """
        feed = {self.operation.input.name: array}
        if self.operation.steps:
            length = self.operation.steps.default if steps is None else steps
            feed[self.operation.steps.tensor.name] = np.asarray(length, np.int64)
        if self.operation.sigma:
            feed[self.operation.sigma.tensor.name] = self.sigmas(sigma, len(array))
        if self.operation.profile:
            feed[self.operation.profile.tensor.name] = self.profiles(profile, len(array))
        try:
            if self._binding:
                shape = self.output_shape(array.shape, steps)
                return self._binding.run(feed, self.operation.output.name, shape)
            outputs: list[Floats] = self._session.run([self.operation.output.name], feed)
        except Exception as error:  # of a class that is not public
            if any(each in str(error) for each in NO_MEMORY):
                raise MemoryError(f"{self.operation.file}: {error}") from error
            raise
        return outputs[0]

    def _check_tensors(self, path: Path) -> None:
        inputs = (self.operation.steps, self.operation.sigma, self.operation.profile)
        more = [each.tensor for each in inputs if each]
        described = [self.operation.input, *more, self.operation.output]
        found = [*self._session.get_inputs(), *self._session.get_outputs()]
        expected = ", ".join(
            f"{each.name} {TYPES[each.dtype]} {_unnamed(each.shape)}" for each in described
        )
        received = ", ".join(f"{each.name} {each.type} {_unnamed(each.shape)}" for each in found)
        if expected != received:
            raise StartupError(f"{path}: expected the tensors {expected}; received {received}")


def takes_any_size(operation: Operation) -> bool:
    """Return whether an operation takes photographs of any height and width."""
    return "height" in operation.input.shape


def _output_shape(
    operation: Operation, shape: tuple[int, ...], steps: int | None
) -> tuple[int, ...]:
    name, expected, stride = operation.input.name, operation.input.shape, operation.stride
    fits = len(expected) == len(shape) and all(
        isinstance(size, str) or size == given for size, given in zip(expected, shape, strict=True)
    )
    if not fits:
        raise ShapeMismatch(f"{name}: expected {_sizes(expected)}, received {_sizes(shape)}")
    if 0 in shape:
        raise InvalidValue(
            f"{name}: expected at least one of each of {_sizes(expected)}, received {_sizes(shape)}"
        )
    if any(side % stride for side in shape[1:3]):
        raise ShapeMismatch(
            f"{name}: expected a height and a width that are multiples of {stride}, "
            f"received {_sizes(shape)}"
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


def _sizes(shape: Sequence[int | str]) -> str:
    return f"({', '.join(map(str, shape))})"


def _unnamed(shape: Sequence[int | str | None]) -> str:
    """A shape whose free sizes have no names: graphs may call them differently."""
    return _sizes([size if isinstance(size, int) else "free" for size in shape])
