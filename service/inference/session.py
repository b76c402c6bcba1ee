"""An ONNX Runtime session for one operation of a model."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort

from service.errors import StartupError
from service.inference.device import Device, check, providers, usable_cpus
from service.inference.pixels import Floats
from service.manifest import Operation

TYPES = {"float32": "tensor(float)", "int64": "tensor(int64)"}


class Session:
    """One graph, ready to run: arrays in, arrays out; safe to call from several threads."""

    def __init__(self, path: Path, operation: Operation, *, device: Device) -> None:
        """Open a graph. Raises StartupError where it is not an ONNX graph as the manifest says."""
        self.operation = operation
        options = ort.SessionOptions()
        options.intra_op_num_threads = usable_cpus()
        # Threads that spin while they wait take whole processors from an idle service.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        wanted = providers(device)
        try:
            self._session = ort.InferenceSession(path, options, providers=wanted)
        except Exception as error:
            raise StartupError(f"{path}: expected an ONNX graph, received: {error}") from error
        self.provider = check(device, self._session)
        self._check_tensors(path)

    def run(self, array: Floats, steps: int | None = None) -> Floats:
        """Return the output for a batch of inputs; steps: the length to give back, if free."""
        feed = {self.operation.input.name: array}
        if self.operation.steps:
            wanted = self.operation.steps.default if steps is None else steps
            feed[self.operation.steps.tensor.name] = np.asarray(wanted, np.int64)
        outputs: list[Floats] = self._session.run([self.operation.output.name], feed)
        return outputs[0]

    def _check_tensors(self, path: Path) -> None:
        steps = self.operation.steps
        expected = [self.operation.input, *([steps.tensor] if steps else []), self.operation.output]
        received = [*self._session.get_inputs(), *self._session.get_outputs()]
        told = ", ".join(
            f"{each.name} {TYPES[each.dtype]} {_sizes(each.shape)}" for each in expected
        )
        found = ", ".join(f"{each.name} {each.type} {_sizes(each.shape)}" for each in received)
        if told != found:
            raise StartupError(f"{path}: expected the tensors {told}; received {found}")


def _sizes(shape: Sequence[int | str | None]) -> str:
    """The sizes of a shape; what a free one is called matters to people alone."""
    return f"({', '.join(str(size) if isinstance(size, int) else 'free' for size in shape)})"
