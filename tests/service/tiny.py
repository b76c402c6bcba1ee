"""Tiny models: real ONNX graphs with no weights, and manifests of their own."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import onnx
from onnx import TensorProto, helper

from service.manifest import (
    Manifest,
    Operation,
    OperationName,
    Pixels,
    Provenance,
    StepsInput,
    Tensor,
    digest,
)

OPSET = 18
TYPES = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64}
IMAGES = Tensor(name="images", dtype="float32", shape=("batch", 4, 4))
CODINGS = Tensor(name="codings", dtype="float32", shape=("batch", 16))
ROWS = Tensor(name="images", dtype="float32", shape=("batch", "steps", 4))
LAST_ROWS = Tensor(name="codings", dtype="float32", shape=("batch", 4))
COLOURS = Tensor(name="images", dtype="float32", shape=("batch", "height", "width", 3))
STEPS = StepsInput(tensor=Tensor(name="steps", dtype="int64", shape=()), default=4)

Start = Callable[..., httpx.AsyncClient]
"""Starts the service over the tiny models with the settings given."""
PROVENANCE = Provenance(
    dataset="none",
    dataset_licence="none",
    seed=0,
    epochs=0,
    settings="none",
    command="none",
    trained_at=datetime(2026, 1, 1, tzinfo=UTC),
    versions={},
)

Graph = tuple[Tensor, Tensor, StepsInput | None, list[Any], list[Any]]


def reconstructions(like: Tensor) -> Tensor:
    return Tensor(name="reconstructions", dtype="float32", shape=like.shape)


def flatten() -> Graph:
    """Encode (batch, 4, 4) as its 16 pixels."""
    shape = helper.make_tensor("shape", TensorProto.INT64, [2], [-1, 16])
    return (
        IMAGES,
        CODINGS,
        None,
        [helper.make_node("Reshape", ["images", "shape"], ["codings"])],
        [shape],
    )


def unflatten() -> Graph:
    shape = helper.make_tensor("shape", TensorProto.INT64, [3], [-1, 4, 4])
    node = helper.make_node("Reshape", ["codings", "shape"], ["reconstructions"])
    return CODINGS, reconstructions(IMAGES), None, [node], [shape]


def halve(images: Tensor = IMAGES, factor: float = 0.5) -> Graph:
    """Denoise by darkening: a change that a test can see."""
    half = helper.make_tensor("half", TensorProto.FLOAT, [], [factor])
    node = helper.make_node("Mul", ["images", "half"], ["reconstructions"])
    return images, reconstructions(images), None, [node], [half]


def mean_row() -> Graph:
    """Encode a sequence of rows as their mean."""
    axes = helper.make_tensor("axes", TensorProto.INT64, [1], [1])
    node = helper.make_node("ReduceMean", ["images", "axes"], ["codings"], keepdims=0)
    return ROWS, LAST_ROWS, None, [node], [axes]


def repeat_row() -> Graph:
    """Decode a row as that row, as many times as steps says."""
    constants = [
        helper.make_tensor("middle", TensorProto.INT64, [1], [1]),
        helper.make_tensor("vector", TensorProto.INT64, [1], [-1]),
        helper.make_tensor("one", TensorProto.INT64, [1], [1]),
    ]
    nodes = [
        helper.make_node("Unsqueeze", ["codings", "middle"], ["row"]),
        helper.make_node("Reshape", ["steps", "vector"], ["length"]),
        helper.make_node("Concat", ["one", "length", "one"], ["sizes"], axis=0),
        helper.make_node("Expand", ["row", "sizes"], ["reconstructions"]),
    ]
    return LAST_ROWS, reconstructions(ROWS), STEPS, nodes, constants


TINY: dict[str, dict[OperationName, Graph]] = {
    "mirror": {"encode": flatten(), "decode": unflatten()},
    "half": {"encode": flatten(), "decode": unflatten(), "denoise": halve()},
    "rows": {"encode": mean_row(), "decode": repeat_row()},
    "colours": {"denoise": halve(COLOURS)},
}


def write_graph(graph: Graph, path: Path) -> Operation:
    """Write a graph and return what a manifest says of it."""
    taken, given, steps, nodes, constants = graph

    def value(tensor: Tensor) -> Any:
        return helper.make_tensor_value_info(tensor.name, TYPES[tensor.dtype], tensor.shape)

    inputs = [value(taken), *([value(steps.tensor)] if steps else [])]
    body = helper.make_graph(nodes, "tiny", inputs, [value(given)], constants)
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
    return Operation(file=path.name, sha256=digest(path), input=taken, output=given, steps=steps)


def write_model(root: Path, name: str, version: int = 1) -> Path:
    """Write a tiny model with its manifest and return its folder."""
    folder = root / name / str(version)
    folder.mkdir(parents=True)
    operations = {
        operation: write_graph(graph, folder / f"{operation}.onnx")
        for operation, graph in TINY[name].items()
    }
    Manifest(
        schema_version=1,
        name=name,
        version=version,
        summary="A tiny model",
        pixels=Pixels(mode="RGB" if name == "colours" else "L", scale=255.0),
        operations=operations,
        provenance=PROVENANCE,
        measurements=(),
    ).write(folder)
    return folder
