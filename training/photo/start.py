"""Initial weights from an exported denoiser, of the same network or of a narrower one."""

import re
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from service.manifest import Manifest
from training.record import reading

KERNEL = re.compile(r"(?:^|/)(\w+?)(?:_\d+)?/(?:convolution|conv_transpose|Cast)/ReadVariableOp")
BIAS = re.compile(r"(?:^|/)(\w+?)(?:_\d+)?/(?:Squeeze|BiasAdd/ReadVariableOp)")
"""Names that the converter gives to the weights of a layer."""

Weights = NDArray[np.float32]


@dataclass(frozen=True)
class Start:
    """The exported denoiser whose weights a training starts from.

    Args:
        folder: models/<name>/<version>/.

    Raises:
        OSError: The folder has no manifest.
        ValueError: It holds no denoiser of photographs.
    """

    folder: Path

    def __post_init__(self) -> None:
        if self._manifest.operations.get("denoise") is None:
            raise ValueError(f"{self.folder}: expected a denoiser of photographs, received none")

    def __str__(self) -> str:
        manifest = self._manifest
        digest = manifest.operations["denoise"].sha256[:12]
        return f"{manifest.name} {manifest.version} (sha256 {digest})"

    @property
    def _manifest(self) -> Manifest:
        return Manifest.read(self.folder)

    @property
    def leak(self) -> float:
        """Slope of the blocks' ReLU below zero."""
        slopes = [
            onnx.helper.get_node_attr_value(node, "alpha")
            for node in self._graph().node
            if node.op_type == "LeakyRelu"
        ]
        return round(slopes[0], 6) if slopes else 0.0

    def load(self, model: keras.Model) -> None:
        """Give a denoiser of `training.autoencoders.photo` these weights.

        With the same leak it computes the same.

        A wider network computes it in the first channels of each layer (Chen et al., 2016, arXiv
        1511.05641, in another way): further ones keep their initial weights, and nothing of them
        reaches the first until it is trained. A kernel that has become larger holds the smaller
        one in its middle.

        Raises:
            ValueError: The weights cannot be read, or are of a network that is no narrower one of
                the same depth; the error names the layer.
        """
        kernels, biases = self._weights()
        narrow = kernels["level"].shape[1] if "level" in kernels else 0
        layers = {layer.name: layer for layer in model.layers if layer.weights}
        if foreign := sorted(kernels.keys() - layers.keys()):
            raise ValueError(f"{self.folder}: expected layers of the network, received {foreign}")
        for name, layer in layers.items():
            kernel = kernels.get(name)
            if kernel is None and name == "level2":  # of photo 1, whose embedding has one layer
                kernel = np.eye(narrow, dtype=np.float32)
            if kernel is None:
                raise ValueError(f"{self.folder}: expected weights of {name}, received none")
            transposed = isinstance(layer, keras.layers.Conv2DTranspose)
            values = [_grown(f"{self.folder}: {name}", kernel, layer.kernel, transposed=transposed)]
            if layer.use_bias:
                bias = np.array(layer.bias)
                first = biases.get(name, np.zeros(0, np.float32))
                bias[: len(first)] = first
                values.append(bias)
            layer.set_weights(values)

    def _weights(self) -> tuple[dict[str, Weights], dict[str, Weights]]:
        """Return kernels as Keras has them, and biases, of each layer by its name."""
        kernels, biases = {}, {}
        for each in self._graph().initializer:
            array = numpy_helper.to_array(each)
            if found := KERNEL.search(each.name):
                # Keras: height, width, inputs, outputs; of transposed ones outputs, inputs
                kernels[found[1]] = array.transpose(2, 3, 1, 0) if array.ndim == 4 else array
            elif found := BIAS.search(each.name):
                biases[found[1]] = array
        return kernels, biases

    def _graph(self) -> onnx.GraphProto:
        path = self.folder / self._manifest.operations["denoise"].file
        with reading(path, "an ONNX model"):
            return onnx.load(path).graph


def _grown(what: str, kernel: Weights, initial: keras.Variable, *, transposed: bool) -> Weights:
    """Return a kernel of the initial one's shape that holds another."""
    grown = np.array(keras.ops.convert_to_numpy(initial))
    if kernel.ndim != grown.ndim or any(np.subtract(grown.shape, kernel.shape) < 0):
        raise ValueError(
            f"{what}: expected weights of at most {grown.shape}, received {kernel.shape}"
        )
    *sides, rows, columns = kernel.shape
    borders = [(new - old) // 2 for new, old in zip(grown.shape, sides, strict=False)]
    middle = tuple(slice(edge, edge + old) for edge, old in zip(borders, sides, strict=True))
    if transposed:
        grown[..., :rows, :] = 0
    else:
        grown[..., :columns] = 0
    grown[(*middle, slice(rows), slice(columns))] = kernel
    return grown
