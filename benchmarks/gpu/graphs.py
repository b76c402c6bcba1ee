"""python -m benchmarks.gpu.graphs: the photographs' graph in float16 and in bfloat16.

ONNX Runtime brings the converter (onnxruntime.transformers.float16); it needs the package onnx.
Inputs and outputs stay float32. bfloat16 is the same graph with its numbers in the other type: of
opset 22, in which Conv takes it, and with ConvTranspose in float32, of which ONNX Runtime has no
kernel in bfloat16.
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper, version_converter
from onnxruntime.transformers.float16 import convert_float_to_float16
from onnxruntime.transformers.onnx_model import OnnxModel

from benchmarks.contenders import ROOT
from service.inference.loader import newest
from service.manifest import Manifest

KINDS = ("float16", "bfloat16")
BFLOAT16_OPSET = 22
"""In which Conv takes bfloat16: https://onnx.ai/onnx/operators/onnx__Conv.html"""
WITHOUT_BFLOAT16 = ["ConvTranspose"]


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu.graphs", description=__doc__)
    parser.add_argument("--models", type=Path, default=ROOT / "models", help="folder of models")
    parser.add_argument("--model", default="photo", help="which of them denoises photographs")
    parser.add_argument("--out", type=Path, default=ROOT / "dist/gpu/graphs", help="folder")
    options = parser.parse_args()
    folder = newest(options.models)[options.model]
    write(folder / Manifest.read(folder).operations["denoise"].file, options.model, options.out)


def write(path: Path, model: str, out: Path) -> None:
    """Write the graphs of a model into a folder: MODEL-float16.onnx and so on."""
    out.mkdir(parents=True, exist_ok=True)
    for kind in KINDS:
        onnx.save(converted(onnx.load(path), kind), file(out, model, kind))


def file(out: Path, model: str, kind: str) -> Path:
    """Return where the graph of a model in a type is."""
    return out / f"{model}-{kind}.onnx"


def converted(model: onnx.ModelProto, kind: str) -> onnx.ModelProto:
    """Return a model whose weights and intermediate results have a type of 16 bits.

    Args:
        model: In float32; it is not to be used afterwards.
        kind: Of KINDS.
    """
    if kind == "float16":
        return _checked(convert_float_to_float16(model, keep_io_types=True))
    raised = version_converter.convert_version(model, BFLOAT16_OPSET)
    exact = {each.name: numpy_helper.to_array(each) for each in raised.graph.initializer}
    half = convert_float_to_float16(raised, keep_io_types=True, op_block_list=WITHOUT_BFLOAT16)
    for each in half.graph.initializer:
        if each.data_type == TensorProto.FLOAT16:
            each.CopyFrom(_bfloat16(exact[each.name], each.name))
    for node in half.graph.node:
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.i == TensorProto.FLOAT16:
                attribute.i = TensorProto.BFLOAT16
    del half.graph.value_info[:]  # with the types of before
    return _checked(half)


def _bfloat16(values: np.ndarray, name: str) -> TensorProto:
    kind = onnx.helper.tensor_dtype_to_np_dtype(TensorProto.BFLOAT16)
    return numpy_helper.from_array(values.astype(kind), name)


def _checked(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a model whose nodes are in order, which the converter does not care for."""
    OnnxModel(model).topological_sort()
    onnx.checker.check_model(model, full_check=True)
    return model


if __name__ == "__main__":
    main()
