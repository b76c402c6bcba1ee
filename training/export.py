"""What every export to ONNX shares: names, the parity gate, and versions that are replaced whole.

tf2onnx converts TensorFlow functions, so the export runs with KERAS_BACKEND=tensorflow, whatever
backend trained the model.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np
import onnx

from service.inference.pixels import Floats
from service.manifest import OperationName

OPSET = 18
TOLERANCE = 1e-5
FILES: Mapping[OperationName, str] = {
    "encode": "encoder.onnx",
    "decode": "decoder.onnx",
    "denoise": "denoiser.onnx",
    "estimate": "estimator.onnx",
}


class ParityError(ValueError):
    """An exported graph does not compute what the Keras model computes."""


def require_tensorflow() -> None:
    """Raise ValueError where Keras runs on another backend than TensorFlow."""
    if (backend := keras.backend.backend()) != "tensorflow":
        raise ValueError(f"KERAS_BACKEND: expected tensorflow for the export, received {backend}")


@contextmanager
def version(folder: Path) -> Iterator[Path]:
    """Yield an empty folder that replaces a version's folder once the block has succeeded.

    Args:
        folder: models/<name>/<version>/; it stays as it is where the block raises.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        draft = Path(temporary) / "new"
        draft.mkdir()
        yield draft
        if folder.exists():
            folder.rename(Path(temporary) / "old")
        draft.rename(folder)


def check_parity(file: str, inputs: Floats, expected: Floats, received: Floats) -> None:
    """Compare what an ONNX graph computes with what Keras computes of the same inputs.

    Args:
        file: Name of the graph's file, for the error.
        inputs: What both were given, of any shape.
        expected: Keras's output.
        received: ONNX Runtime's output.

    Raises:
        ParityError: The shapes differ, or any two numbers by more than 1e-5 times the largest
            expected number where that is above 1 (float32 has 7 digits).
    """
    if expected.shape != received.shape:
        raise ParityError(f"{file}: expected shape {expected.shape}, received {received.shape}")
    difference = float(np.abs(expected - received).max())
    tolerance = TOLERANCE * max(1.0, float(np.abs(expected).max()))
    if not difference <= tolerance:  # NaN fails as well
        raise ParityError(
            f"{file}: expected outputs within {tolerance:.3g} of Keras, received {difference:.3g} "
            f"for inputs of shape {inputs.shape}"
        )


def finish(model: onnx.ModelProto, free: Sequence[str]) -> None:
    """Name the free dimensions of a converted graph in place, and check the graph.

    Args:
        model: The model, as tf2onnx gives it.
        free: Names of the dimensions of inputs and outputs, batch first; those of a fixed size are
            passed over.
    """
    graph = model.graph
    for value in (*graph.input, *graph.output):
        for dimension, name in zip(value.type.tensor_type.shape.dim, free, strict=False):
            if not dimension.dim_value:
                dimension.dim_param = name
    del graph.value_info[:]  # with the converter's own names for free dimensions
    onnx.checker.check_model(model, full_check=True)


def rename(graph: onnx.GraphProto, names: Mapping[str, str]) -> None:
    """Rename tensors of a graph in place, by their names so far."""
    for node in graph.node:
        for field in (node.input, node.output):
            for index, name in enumerate(field):
                field[index] = names.get(name, name)
    for value in graph.output:
        value.name = names.get(value.name, value.name)
