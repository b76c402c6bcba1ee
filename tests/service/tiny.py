"""Tiny models: real ONNX graphs with no weights, and manifests of their own."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from service.calibration import Calibration
from service.manifest import (
    SCHEMA_VERSION,
    GraphName,
    Manifest,
    Mosaic,
    Operation,
    Pixels,
    ProfileInput,
    Provenance,
    SigmaInput,
    StepsInput,
    Tensor,
    Tiles,
    digest,
)
from service.rows import Column, Rows, Window

OPSET = 18
TYPES = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64}
IMAGES = Tensor(name="images", dtype="float32", shape=("batch", 4, 4))
CODINGS = Tensor(name="codings", dtype="float32", shape=("batch", 16))
ROWS = Tensor(name="images", dtype="float32", shape=("batch", "steps", 4))
LAST_ROWS = Tensor(name="codings", dtype="float32", shape=("batch", 4))
COLOURED = Tensor(name="images", dtype="float32", shape=("batch", 2, 3, 3))
COLOURS = Tensor(name="images", dtype="float32", shape=("batch", "height", "width", 3))
STEPS = StepsInput(tensor=Tensor(name="steps", dtype="int64", shape=()), default=4)
FEATURES = Tensor(name="rows", dtype="float32", shape=("batch", 3))
WINDOWS = Tensor(name="windows", dtype="float32", shape=("batch", 3, 2))
SIGMA = SigmaInput(
    tensor=Tensor(name="sigma", dtype="float32", shape=("batch",)), unknown=-1.0, highest=100.0
)
TILES = Tiles(stride=8, halo=2)
PROFILED = ProfileInput(
    tensor=Tensor(name="profile", dtype="float32", shape=("batch", 5)), unknown=-1.0
)
NOISE = Tensor(name="noise", dtype="float32", shape=("batch", 6))
MOSAIC = Mosaic(stride=8, crop=16, across=2)

Start = Callable[..., httpx.AsyncClient]
"""Starts the service over the tiny models with the settings given."""
PROVENANCE = Provenance(
    dataset="none",
    dataset_licence="none",
    data=None,
    seed=0,
    epochs=0,
    settings="none",
    command="none",
    trained_at=datetime(2026, 1, 1, tzinfo=UTC),
    versions={},
)


class Graph(NamedTuple):
    """What a graph takes and gives, its nodes and its constants."""

    input: Tensor
    output: Tensor
    steps: StepsInput | None
    nodes: list[Any]
    constants: list[Any]
    sigma: SigmaInput | None = None
    tiles: Tiles | None = None
    profile: ProfileInput | None = None
    mosaic: Mosaic | None = None


def reconstructions(like: Tensor) -> Tensor:
    return Tensor(name="reconstructions", dtype="float32", shape=like.shape)


def flatten() -> Graph:
    """Encode (batch, 4, 4) as its 16 pixels."""
    shape = helper.make_tensor("shape", TensorProto.INT64, [2], [-1, 16])
    node = helper.make_node("Reshape", ["images", "shape"], ["codings"])
    return Graph(IMAGES, CODINGS, None, [node], [shape])


def unflatten(factor: float = 1.0) -> Graph:
    """Decode 16 pixels as (batch, 4, 4), some factor as bright."""
    shape = helper.make_tensor("shape", TensorProto.INT64, [3], [-1, 4, 4])
    shade = helper.make_tensor("factor", TensorProto.FLOAT, [], [factor])
    nodes = [
        helper.make_node("Reshape", ["codings", "shape"], ["images"]),
        helper.make_node("Mul", ["images", "factor"], ["reconstructions"]),
    ]
    return Graph(CODINGS, reconstructions(IMAGES), None, nodes, [shape, shade])


def shade(images: Tensor, factor: float = 1.0) -> Graph:
    """Multiply images by a factor."""
    constant = helper.make_tensor("factor", TensorProto.FLOAT, [], [factor])
    node = helper.make_node("Mul", [images.name, "factor"], ["reconstructions"])
    return Graph(images, reconstructions(images), None, [node], [constant])


def halve(images: Tensor = IMAGES, factor: float = 0.5) -> Graph:
    """Denoise by darkening: a change that a test can see."""
    half = helper.make_tensor("half", TensorProto.FLOAT, [], [factor])
    node = helper.make_node("Mul", ["images", "half"], ["reconstructions"])
    return Graph(images, reconstructions(images), None, [node], [half])


def fill(rows: Tensor, value: float = 2.0) -> Graph:
    """Encode rows as they are, with a number where one is missing."""
    constant = helper.make_tensor("value", TensorProto.FLOAT, [], [value])
    nodes = [
        helper.make_node("IsNaN", [rows.name], ["missing"]),
        helper.make_node("Where", ["missing", "value", rows.name], ["filled"]),
    ]
    output = Tensor(name="filled", dtype="float32", shape=rows.shape)
    return Graph(rows, output, None, nodes, [constant])


def mean_step() -> Graph:
    """Encode a window of rows as their mean."""
    axes = helper.make_tensor("axes", TensorProto.INT64, [1], [1])
    node = helper.make_node("ReduceMean", [WINDOWS.name, "axes"], ["codings"], keepdims=0)
    codings = Tensor(name="codings", dtype="float32", shape=("batch", 2))
    return Graph(WINDOWS, codings, None, [node], [axes])


def repeat_step() -> Graph:
    """Decode a row as a window of that row."""
    constants = [
        helper.make_tensor("middle", TensorProto.INT64, [1], [1]),
        helper.make_tensor("sizes", TensorProto.INT64, [3], [1, 3, 1]),
    ]
    nodes = [
        helper.make_node("Unsqueeze", ["codings", "middle"], ["row"]),
        helper.make_node("Expand", ["row", "sizes"], ["reconstructions"]),
    ]
    return Graph(mean_step().output, reconstructions(WINDOWS), None, nodes, constants)


def mean_row() -> Graph:
    """Encode a sequence of rows as their mean."""
    axes = helper.make_tensor("axes", TensorProto.INT64, [1], [1])
    node = helper.make_node("ReduceMean", ["images", "axes"], ["codings"], keepdims=0)
    return Graph(ROWS, LAST_ROWS, None, [node], [axes])


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
    return Graph(LAST_ROWS, reconstructions(ROWS), STEPS, nodes, constants)


def blur(gain: float = 1.0) -> Graph:
    """Denoise a photograph by a mean over 5x5 pixels, as much of it as sigma says, half if unknown.

    Some of the mean over each block of 8x8 pixels is mixed in, so that a tile must start where a
    block does, and more of it into blue than into red, so that gray does not stay gray by itself;
    beyond the edge there are zeros, so that no tile may end where the photograph does not.
    """
    constants = {
        "box": np.full((3, 1, 5, 5), gain / 25, np.float32),
        "block": np.full((3, 1, 8, 8), 1 / 64, np.float32),
        "spread": np.full((8, 8, 1, 3), (0.05, 0.1, 0.2), np.float32).T,
        "highest": np.float32(SIGMA.highest),
        "zero": np.float32(0),
        "half": np.float32(0.5),
        "column": np.array([-1, 1, 1, 1]),  # OpenVINO's provider does not take Unsqueeze here
    }
    nodes = [
        helper.make_node("Less", ["sigma", "zero"], ["unknown"]),
        helper.make_node("Div", ["sigma", "highest"], ["told"]),
        helper.make_node("Where", ["unknown", "half", "told"], ["shares"]),
        helper.make_node("Reshape", ["shares", "column"], ["share"]),
        helper.make_node("Transpose", ["images"], ["noisy"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["noisy", "box"], ["means"], group=3, pads=[2] * 4),
        helper.make_node("Conv", ["noisy", "block"], ["blocks"], group=3, strides=[8, 8]),
        helper.make_node("ConvTranspose", ["blocks", "spread"], ["mixed"], group=3, strides=[8, 8]),
        helper.make_node("Add", ["means", "mixed"], ["smooth"]),
        helper.make_node("Sub", ["smooth", "noisy"], ["change"]),
        helper.make_node("Mul", ["change", "share"], ["part"]),
        helper.make_node("Add", ["noisy", "part"], ["clean"]),
        helper.make_node("Transpose", ["clean"], ["reconstructions"], perm=[0, 2, 3, 1]),
    ]
    tensors = [numpy_helper.from_array(np.asarray(each), name) for name, each in constants.items()]
    return Graph(COLOURS, reconstructions(COLOURS), None, nodes, tensors, SIGMA, TILES)


def informed() -> Graph:
    """Denoise a photograph by adding what is known of its noise to each colour, in levels of 1000.

    Red receives sigma, green the share of colour, blue the level of the highlights; -1 if unknown.
    """
    constants = {
        "which": np.array([0, 1, 5]),
        "axes": np.array([1, 2]),
        "column": np.array([1]),
        "thousand": np.float32(1000),
    }
    nodes = [
        helper.make_node("Unsqueeze", ["sigma", "column"], ["level"]),
        helper.make_node("Concat", ["level", "profile"], ["noise"], axis=1),
        helper.make_node("Gather", ["noise", "which"], ["known"], axis=1),
        helper.make_node("Unsqueeze", ["known", "axes"], ["colour"]),
        helper.make_node("Div", ["colour", "thousand"], ["change"]),
        helper.make_node("Add", ["images", "change"], ["reconstructions"]),
    ]
    tensors = [numpy_helper.from_array(np.asarray(each), name) for name, each in constants.items()]
    shown = reconstructions(COLOURS)
    return Graph(COLOURS, shown, None, nodes, tensors, SIGMA, TILES, PROFILED)


def brightness() -> Graph:
    """Estimate as noise level 100 times the mean of a photograph, and a profile of 1/2, 1/4, ..."""
    constants = {
        "axes": np.array([1, 2, 3]),
        "column": np.array([1]),
        "hundred": np.float32(100),
        "zero": np.zeros(5, np.float32),
        "profile": np.array([0.5, 0.25, -1, 0, 1], np.float32),
    }
    nodes = [
        helper.make_node("ReduceMean", ["images", "axes"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "hundred"], ["levels"]),
        helper.make_node("Unsqueeze", ["levels", "column"], ["level"]),
        helper.make_node("Mul", ["level", "zero"], ["zeros"]),
        helper.make_node("Add", ["zeros", "profile"], ["profiles"]),
        helper.make_node("Concat", ["level", "profiles"], ["noise"], axis=1),
    ]
    tensors = [numpy_helper.from_array(np.asarray(each), name) for name, each in constants.items()]
    return Graph(COLOURS, NOISE, None, nodes, tensors, mosaic=MOSAIC)


TINY: dict[str, dict[GraphName, Graph]] = {
    "mirror": {"encode": flatten(), "decode": unflatten()},
    "half": {"encode": flatten(), "decode": unflatten(), "denoise": halve()},
    "rows": {"encode": mean_row(), "decode": repeat_row()},
    "colours": {"denoise": halve(COLOURS)},
    "photo": {"denoise": blur()},
}
"""Those of the folder that most tests serve."""
FURTHER: dict[str, dict[GraphName, Graph]] = {
    "dim": {"encode": flatten(), "decode": unflatten(0.5)},
    "table": {"encode": shade(FEATURES), "decode": shade(FEATURES, 0.5)},
    "gaps": {"encode": fill(FEATURES), "decode": shade(FEATURES, 0.5)},
    "series": {"encode": mean_step(), "decode": repeat_step()},
    "dim-colours": {"encode": shade(COLOURED), "decode": shade(COLOURED, 0.5)},
    "informed": {"denoise": informed(), "estimate": brightness()},
}
"""Those of single tests."""
COLUMNS = (
    Column(name="size", categories=(), scale=2.0),
    Column(name="colour", categories=("red", "green"), scale=1.0),
)
TABULAR = {
    "table": Rows(columns=COLUMNS, missing=False, window=None),
    "gaps": Rows(columns=COLUMNS, missing=True, window=None),
    "series": Rows(
        columns=tuple(Column(name=name, categories=(), scale=1.0) for name in ("x", "y")),
        missing=False,
        window=Window(steps=3, stride=2),
    ),
}
"""What rows a model of a kind takes; those of other kinds take images."""
COLOURFUL = ("colours", "photo", "informed", "dim-colours")


def write_graph(graph: Graph, path: Path) -> Operation:
    """Write a graph and return what a manifest says of it."""

    def value(tensor: Tensor) -> Any:
        return helper.make_tensor_value_info(tensor.name, TYPES[tensor.dtype], tensor.shape)

    taken = [
        graph.input,
        *(each.tensor for each in (graph.steps, graph.sigma, graph.profile) if each),
    ]
    body = helper.make_graph(
        graph.nodes, "tiny", [value(each) for each in taken], [value(graph.output)], graph.constants
    )
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
    return Operation(
        file=path.name,
        sha256=digest(path),
        input=graph.input,
        output=graph.output,
        steps=graph.steps,
        sigma=graph.sigma,
        tiles=graph.tiles,
        profile=graph.profile,
        mosaic=graph.mosaic,
    )


def write_model(
    root: Path,
    kind: str,
    version: int = 1,
    *,
    name: str = "",
    calibration: Calibration | None = None,
) -> Path:
    """Write a tiny model of a kind, by its kind's name or another; return its folder."""
    name = name or kind
    folder = root / name / str(version)
    folder.mkdir(parents=True)
    operations = {
        operation: write_graph(graph, folder / f"{operation}.onnx")
        for operation, graph in (TINY | FURTHER)[kind].items()
    }
    Manifest(
        schema_version=SCHEMA_VERSION,
        name=name,
        version=version,
        summary="A tiny model",
        pixels=None
        if kind in TABULAR
        else Pixels(mode="RGB" if kind in COLOURFUL else "L", scale=255.0),
        rows=TABULAR.get(kind),
        operations=operations,
        provenance=PROVENANCE,
        measurements=(),
        calibration=calibration,
    ).write(folder)
    return folder
