"""Convert the denoiser of photographs to a minimal ONNX graph."""

from typing import Any

import keras
import onnx

from service.manifest import PROFILE
from training.export import OPSET, finish, rename

OUTPUT = "reconstructions"
FREE = ("batch", "height", "width")


def convert(model: keras.Model) -> onnx.ModelProto:
    """Return the ONNX graph of a channels-last model of `training.autoencoders.photo`.

    The slices and pads that tf2onnx adds after transposed convolutions are removed.
    """
    import tensorflow as tf
    from tf2onnx import convert as tf2onnx

    signature = [
        tf.TensorSpec((None, None, None, 3), tf.float32, name="images"),
        tf.TensorSpec((None,), tf.float32, name="sigma"),
        tf.TensorSpec((None, PROFILE), tf.float32, name="profile"),
    ]

    def denoised(images: Any, sigma: Any, profile: Any) -> Any:
        return model([images, sigma, profile], training=False)

    function = tf.function(denoised, input_signature=signature)
    converted: onnx.ModelProto
    converted, _ = tf2onnx.from_function(function, signature, opset=OPSET)
    graph = converted.graph
    _uncut(graph)
    rename(graph, {graph.output[0].name: OUTPUT})
    _prune(graph)
    finish(converted, FREE)
    return converted


def _uncut(graph: onnx.GraphProto) -> None:
    """Let transposed convolutions cut their outputs to size themselves.

    TensorFlow states how large their outputs are, so the converter cuts and pads them to that size
    in nodes of their own, each of which copies all pixels.
    """
    makers = _makers(graph)
    whole = {}
    for node in graph.node:
        if node.op_type == "Pad" and (cut := makers.get(node.input[0])) is not None:
            made = makers.get(cut.input[0])
            if cut.op_type == "Slice" and made is not None and made.op_type == "ConvTranspose":
                _pad_same(made)
                whole[node.output[0]] = made.output[0]
                node.output[0] = f"{node.output[0]}_unused"
    rename(graph, whole)


def _pad_same(node: onnx.NodeProto) -> None:
    """Make the outputs of a transposed convolution as large as its inputs times the stride."""
    given = {each.name: each.ints for each in node.attribute}
    surplus = [
        size - step for size, step in zip(given["kernel_shape"], given["strides"], strict=True)
    ]
    pads = [each // 2 for each in surplus] + [each - each // 2 for each in surplus]
    kept = [each for each in node.attribute if each.name not in ("auto_pad", "pads")]
    del node.attribute[:]
    node.attribute.extend([*kept, onnx.helper.make_attribute("pads", pads)])


def _prune(graph: onnx.GraphProto) -> None:
    """Remove nodes and constants that no output depends on."""
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
    """Return the node that computes each tensor, by the tensor's name."""
    return {output: node for node in graph.node for output in node.output}
