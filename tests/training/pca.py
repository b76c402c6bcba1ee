"""Small real models: principal components of sample images, as ONNX graphs with a manifest."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
from onnx import helper, numpy_helper

from service.manifest import (
    SCHEMA_VERSION,
    Manifest,
    Operation,
    OperationName,
    Pixels,
    Provenance,
    Tensor,
)
from tests.service.tiny import Graph, write_graph
from training.pixel_noise import Floats

SAMPLES = Path(__file__).parents[1] / "data" / "fashion_mnist"
IMAGES = Tensor(name="images", dtype="float32", shape=("batch", 28, 28))
RECONSTRUCTIONS = Tensor(name="reconstructions", dtype="float32", shape=("batch", 28, 28))


class Pca:
    """The components of images (n, 28, 28): encode and decode in numpy, write as a model."""

    def __init__(self, images: Floats, components: int = 16) -> None:
        flat = images.reshape(len(images), -1)
        self.mean = flat.mean(axis=0)
        self.basis = np.linalg.svd(flat - self.mean, full_matrices=False)[2][:components].T
        self.codings = Tensor(name="codings", dtype="float32", shape=("batch", components))

    def reconstruct(self, images: Floats) -> Floats:
        codings = (images.reshape(len(images), -1) - self.mean) @ self.basis
        restored: Floats = (codings @ self.basis.T + self.mean).reshape(images.shape)
        return restored

    def write(
        self, root: Path, name: str, *, sigmoid: bool = False, denoises: bool = False
    ) -> Path:
        """Write the model and return its folder; sigmoid squashes the codings into [0, 1]."""
        folder = root / name / "1"
        folder.mkdir(parents=True)
        last = "components" if sigmoid else "codings"
        encoding = [
            helper.make_node("Reshape", ["images", "vector"], ["flat"]),
            helper.make_node("Sub", ["flat", "mean"], ["centred"]),
            helper.make_node("MatMul", ["centred", "basis"], [last]),
            *([helper.make_node("Sigmoid", [last], ["codings"])] if sigmoid else []),
        ]
        decoding = [
            helper.make_node("Transpose", ["basis"], ["transposed"]),
            helper.make_node("MatMul", ["codings", "transposed"], ["raised"]),
            helper.make_node("Add", ["raised", "mean"], ["pixels"]),
            helper.make_node("Reshape", ["pixels", "picture"], ["reconstructions"]),
        ]
        graphs: dict[OperationName, Graph] = {
            "encode": self._graph(IMAGES, self.codings, encoding),
            "decode": self._graph(self.codings, RECONSTRUCTIONS, decoding),
        }
        if denoises:
            graphs["denoise"] = self._graph(IMAGES, RECONSTRUCTIONS, encoding + decoding)
        operations = {
            operation: write_graph(graph, folder / f"{operation}.onnx")
            for operation, graph in graphs.items()
        }
        manifest(name, operations).write(folder)
        return folder

    def _graph(self, taken: Tensor, given: Tensor, nodes: list[Any]) -> Graph:
        constants = {
            "mean": self.mean,
            "basis": self.basis,
            "vector": np.array([-1, 784]),
            "picture": np.array([-1, 28, 28]),
        }
        used = {name for node in nodes for name in node.input}
        tensors = [
            numpy_helper.from_array(np.ascontiguousarray(value), name)
            for name, value in constants.items()
            if name in used
        ]
        return Graph(taken, given, None, nodes, tensors)


def manifest(
    name: str, operations: dict[OperationName, Operation], mode: Literal["L", "RGB"] = "L"
) -> Manifest:
    return Manifest(
        schema_version=SCHEMA_VERSION,
        name=name,
        version=1,
        summary="Principal components of a few images",
        pixels=Pixels(mode=mode, scale=255.0),
        rows=None,
        operations=operations,
        provenance=Provenance(
            dataset="a few images",
            dataset_licence="MIT",
            data=None,
            seed=7,
            epochs=3,
            settings="none",
            command="python -m training train pca --seed 7",
            trained_at=datetime(2026, 1, 1, tzinfo=UTC),
            versions={"numpy": np.__version__},
        ),
        measurements=(),
        calibration=None,
    )
