"""Runs on a device through buffers that stay there: ONNX Runtime's I/O binding."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from service.inference.pixels import Floats

MOST_BUCKETS = 16
"""Shapes whose buffers are kept; a batch has one of about eight sizes, other sizes are rare."""

Shapes = tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True)
class _Bucket:
    binding: Any
    inputs: dict[str, Any]
    output: Any
    options: Any


class Binding:
    """A session's buffers on a device, one set for each bucket of shapes.

    The batch is rounded up to a power of two, so that few shapes are ever seen: cuDNN chooses its
    convolutions once for each, and memory is not asked for again. Scalars stay on the CPU.
    """

    def __init__(
        self, session: ort.InferenceSession, device: str, *, device_id: int, graphs: bool
    ) -> None:
        """device: "cuda", or "cpu"; graphs: whether the session records a CUDA graph a bucket."""
        self._session = session
        self._device = device
        self._device_id = device_id
        self._graphs = graphs
        self._buckets: OrderedDict[Shapes, _Bucket] = OrderedDict()
        self._seen = 0
        self._lock = threading.Lock()

    def run(self, feed: Mapping[str, NDArray[Any]], name: str, shape: tuple[int, ...]) -> Floats:
        """Return the output of a name and a shape, for inputs by name, the batch first."""
        count = shape[0]
        size = 1 << (count - 1).bit_length()
        arrays = {key: array for key, array in feed.items() if array.ndim}
        kind = tuple((key, (size, *array.shape[1:])) for key, array in arrays.items())
        kind = (*kind, (name, (size, *shape[1:])))
        with self._lock:  # the buffers are one run's at a time
            bucket = self._bucket(kind)
            for key, array in arrays.items():
                bucket.inputs[key].update_inplace(_padded(array, size))
            for key, array in feed.items():
                if not array.ndim:
                    bucket.binding.bind_cpu_input(key, array)
            self._session.run_with_iobinding(bucket.binding, bucket.options)
            values: Floats = bucket.output.numpy()[:count]
            # From a GPU it is a copy already.
            return values.copy() if self._device == "cpu" else values

    def _bucket(self, kind: Shapes) -> _Bucket:
        if kind in self._buckets:
            self._buckets.move_to_end(kind)
            return self._buckets[kind]
        if len(self._buckets) >= MOST_BUCKETS:
            self._buckets.popitem(last=False)
        binding = self._session.io_binding()
        *taken, (name, shape) = kind
        inputs = {key: self._buffer(size) for key, size in taken}
        for key, buffer in inputs.items():
            binding.bind_ortvalue_input(key, buffer)
        output = self._buffer(shape)
        binding.bind_ortvalue_output(name, output)
        options = ort.RunOptions()
        if self._graphs:
            # A number never used before: a graph belongs to the addresses that it was recorded on.
            self._seen += 1
            options.add_run_config_entry("gpu_graph_id", str(self._seen))
        self._buckets[kind] = _Bucket(binding, inputs, output, options)
        return self._buckets[kind]

    def _buffer(self, shape: tuple[int, ...]) -> Any:
        return ort.OrtValue.ortvalue_from_shape_and_type(
            shape, np.float32, self._device, self._device_id
        )


def _padded(array: NDArray[Any], size: int) -> NDArray[Any]:
    """The array with rows of zeros up to a size, contiguous."""
    if len(array) == size:
        return np.ascontiguousarray(array)
    padded = np.zeros((size, *array.shape[1:]), array.dtype)
    padded[: len(array)] = array
    return padded
