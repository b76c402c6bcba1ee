"""ONNX Runtime's I/O binding: runs whose inputs and outputs stay in buffers on the device."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from service.inference.pixels import Floats

MAX_BUCKETS = 16
"""Shapes whose buffers are kept: batches have about eight sizes, other dimensions vary little."""

Shapes = tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True)
class _Bucket:
    binding: Any
    inputs: dict[str, Any]
    output: Any
    options: Any


class Binding:
    """A session's buffers on a device, one set for each bucket of shapes.

    Batches are padded to a power of two, so that there are few shapes: for each, cuDNN chooses its
    algorithms and memory is allocated once. Scalars stay on the CPU.
    """

    def __init__(
        self, session: ort.InferenceSession, device: str, *, device_id: int, graphs: bool
    ) -> None:
        """Create a binding without buffers.

        Args:
            session: Runs the graph.
            device: "cuda" or "cpu".
            device_id: Number of the GPU, from 0.
            graphs: Whether the session records a CUDA graph for each bucket.
        """
        self._session = session
        self._device = device
        self._device_id = device_id
        self._graphs = graphs
        self._buckets: OrderedDict[Shapes, _Bucket] = OrderedDict()
        self._graph_ids = 0
        self._lock = threading.Lock()

    def run(self, feed: Mapping[str, NDArray[Any]], name: str, shape: tuple[int, ...]) -> Floats:
        """Run the graph.

        Args:
            feed: Inputs by name, batch dimension first; scalars too.
            name: The name of the output.
            shape: The shape of the output, batch dimension first.

        Returns:
            The output, a copy.
        """
        count = shape[0]
        size = 1 << (count - 1).bit_length()
        arrays = {key: array for key, array in feed.items() if array.ndim}
        kind = tuple((key, (size, *array.shape[1:])) for key, array in arrays.items())
        kind = (*kind, (name, (size, *shape[1:])))
        with self._lock:  # a bucket's buffers serve one run at a time
            bucket = self._bucket(kind)
            for key, array in arrays.items():
                bucket.inputs[key].update_inplace(_padded(array, size))
            for key, array in feed.items():
                if not array.ndim:
                    bucket.binding.bind_cpu_input(key, array)
            self._session.run_with_iobinding(bucket.binding, bucket.options)
            values: Floats = bucket.output.numpy()[:count]
            # From a GPU, numpy() is a copy already.
            return values.copy() if self._device == "cpu" else values

    def _bucket(self, kind: Shapes) -> _Bucket:
        if kind in self._buckets:
            self._buckets.move_to_end(kind)
            return self._buckets[kind]
        if len(self._buckets) >= MAX_BUCKETS:
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
            # A new number: a graph belongs to the addresses that it was recorded with.
            self._graph_ids += 1
            options.add_run_config_entry("gpu_graph_id", str(self._graph_ids))
        self._buckets[kind] = _Bucket(binding, inputs, output, options)
        return self._buckets[kind]

    def _buffer(self, shape: tuple[int, ...]) -> Any:
        return ort.OrtValue.ortvalue_from_shape_and_type(
            shape, np.float32, self._device, self._device_id
        )


def _padded(array: NDArray[Any], size: int) -> NDArray[Any]:
    """Return a contiguous array padded with zeros to so many items."""
    if len(array) == size:
        return np.ascontiguousarray(array)
    padded = np.zeros((size, *array.shape[1:]), array.dtype)
    padded[: len(array)] = array
    return padded
