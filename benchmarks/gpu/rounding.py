"""What types of 16 bits cost in accuracy, computed on a CPU that has none of them.

The graph stays in float32; weights and the result of every node are rounded to the type, as they
would be where sums within a node are in float32: in cuDNN and cuBLAS on tensor cores.
"""

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def rounded(model: onnx.ModelProto, kind: str) -> onnx.ModelProto:
    """Return a model in float32 that rounds as one in a type of 16 bits would.

    Args:
        model: In float32; it is not changed.
        kind: "float16" or "bfloat16".
    """
    to = TensorProto.FLOAT16 if kind == "float16" else TensorProto.BFLOAT16
    dtype = helper.tensor_dtype_to_np_dtype(to)
    result = onnx.ModelProto()
    result.CopyFrom(model)
    graph = result.graph
    for each in graph.initializer:
        if each.data_type == TensorProto.FLOAT:
            values = numpy_helper.to_array(each).astype(dtype).astype(np.float32)
            each.CopyFrom(numpy_helper.from_array(values, each.name))
    kinds = {value.name: value.type.tensor_type.elem_type for value in _values(model)}
    kept = {each.name for each in graph.output}
    nodes = []
    for node in graph.node:
        nodes.append(node)
        for place, name in enumerate(node.output):
            if name not in kept and kinds.get(name) == TensorProto.FLOAT:
                node.output[place] = f"{name} exact"
                nodes += [
                    helper.make_node("Cast", [f"{name} exact"], [f"{name} rounded"], to=to),
                    helper.make_node("Cast", [f"{name} rounded"], [name], to=TensorProto.FLOAT),
                ]
    del graph.node[:], graph.value_info[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(result)
    return result


def _values(model: onnx.ModelProto) -> Iterator[onnx.ValueInfoProto]:
    """Yield the types of all intermediate results."""
    yield from onnx.shape_inference.infer_shapes(model).graph.value_info
