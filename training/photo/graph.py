"""The denoiser of photographs as an ONNX graph with nothing in it but what computes."""

from typing import Any

import keras
import onnx

from training.export import OPSET, rename

OUTPUT = "reconstructions"
FREE = ("batch", "height", "width")


def convert(model: keras.Model) -> onnx.ModelProto:
    """Return the graph of a model that training.autoencoders.photo built channels last.

    It has no normalisation to fold: what it was built of stays as it is, without the cuts that
    TensorFlow has after transposed convolutions.
    """
    import tensorflow as tf
    from tf2onnx import convert as tf2onnx

    signature = [
        tf.TensorSpec((None, None, None, 3), tf.float32, name="images"),
        tf.TensorSpec((None,), tf.float32, name="sigma"),
    ]
    function = tf.function(
        lambda images, sigma: model([images, sigma], training=False), input_signature=signature
    )
    converted: onnx.ModelProto
    converted, _ = tf2onnx.from_function(function, signature, opset=OPSET)
    graph = converted.graph
    _uncut(graph)
    rename(graph, {graph.output[0].name: OUTPUT})
    _prune(graph)
    for value in (*graph.input, *graph.output):
        for dimension, name in zip(value.type.tensor_type.shape.dim, FREE, strict=False):
            dimension.dim_param = name
    del graph.value_info[:]  # with the converter's own names for free dimensions
    onnx.checker.check_model(converted, full_check=True)
    return converted


def _uncut(graph: onnx.GraphProto) -> None:
    """Take transposed convolutions as they are.

    TensorFlow is told how large their outputs are to be, so that the converter cuts and pads them
    to that size. It is the size that they have, and each time all pixels are copied twice.
    """
    makers = _makers(graph)
    whole = {}
    for node in graph.node:
        if node.op_type == "Pad" and (cut := makers.get(node.input[0])) is not None:
            made = makers.get(cut.input[0])
            if cut.op_type == "Slice" and made is not None and made.op_type == "ConvTranspose":
                whole[node.output[0]] = made.output[0]
                node.output[0] = f"{node.output[0]}_unused"
    rename(graph, whole)


def _prune(graph: onnx.GraphProto) -> None:
    """Remove the nodes and constants that nothing of the output depends on."""
    makers, needed = _makers(graph), set[str]()
    pending = [value.name for value in graph.output]
    while pending:
        name = pending.pop()
        if name not in needed:
            needed.add(name)
            pending.extend(makers[name].input if name in makers else ())
    nodes = [node for node in graph.node if needed & set(node.output)]
    constants = [constant for constant in graph.initializer if constant.name in needed]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(constants)


def _makers(graph: onnx.GraphProto) -> dict[str, Any]:
    """Return the node that makes each tensor, by its name."""
    return {output: node for node in graph.node for output in node.output}
