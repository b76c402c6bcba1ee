"""FFDNet for colour as an ONNX graph, with weights at random: right for its speed, and that alone.

Zhang, Zuo, Zhang 2018, FFDNet: toward a fast and flexible solution for CNN-based image denoising,
https://arxiv.org/abs/1710.04026: four pictures of half the size and a map of the noise, 12
convolutions of 3x3 with 96 channels and ReLU between them, and back to one picture. Batch
normalisation is folded into the convolutions, as it is when the network is used.
"""

import itertools
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET, LAYERS, CHANNELS, COLOURS, HALVES = 18, 12, 96, 3, 4


def graph() -> onnx.ModelProto:
    """Return the graph from images and sigma to reconstructions, float32.

    Images and reconstructions are (batch, 3, height, width), sigma is a map for the pictures of
    half the size, (batch, 1, height / 2, width / 2).
    """
    random = np.random.default_rng(0)
    nodes = [
        helper.make_node("SpaceToDepth", ["images"], ["quarters"], blocksize=2),
        helper.make_node("Concat", ["quarters", "sigma"], ["0"], axis=1),
    ]
    constants = []
    widths = [COLOURS * HALVES + 1, *[CHANNELS] * (LAYERS - 1), COLOURS * HALVES]
    for layer, (taken, given) in enumerate(itertools.pairwise(widths)):
        # He's variance keeps the numbers ordinary, layer after layer: very small ones are slow.
        weights = random.normal(0, np.sqrt(2 / (9 * taken)), (given, taken, 3, 3))
        for name, values in (("w", weights), ("b", np.zeros(given))):
            constants.append(numpy_helper.from_array(values.astype(np.float32), f"{name}{layer}"))
        inputs, last = [str(layer), f"w{layer}", f"b{layer}"], layer == LAYERS - 1
        output = "clean" if last else f"c{layer}"
        nodes.append(helper.make_node("Conv", inputs, [output], pads=[1] * 4))
        if not last:
            nodes.append(helper.make_node("Relu", [output], [str(layer + 1)]))
    nodes.append(helper.make_node("DepthToSpace", ["clean"], ["reconstructions"], blocksize=2))

    def value(name: str, *shape: str | int):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape])

    picture, half = (COLOURS, "height", "width"), (1, "half the height", "half the width")
    body = helper.make_graph(
        nodes, "ffdnet",
        [value("images", *picture), value("sigma", *half)],
        [value("reconstructions", *picture)],
        constants,
    )  # fmt: skip
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    return model


if __name__ == "__main__":
    onnx.save(graph(), sys.argv[1])
