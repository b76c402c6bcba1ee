"""Convert the estimator of noise to ONNX."""

from typing import Any

import keras
import onnx

from training.export import OPSET, finish, rename
from training.photo.estimate.samples import OFFSET

OUTPUT = "noise"
FREE = ("batch", "height", "width")


def convert(model: keras.Model, *, highest: float) -> onnx.ModelProto:
    """Return the ONNX graph of a `training.photo.estimate.network.NoiseEstimator`.

    Its output is (batch, 6): the noise level itself, on the scale of 0 to 255, then the profile.

    Args:
        model: The estimator.
        highest: The highest noise level that the denoiser takes; no estimate is above it.
    """
    import tensorflow as tf
    from tf2onnx import convert as tf2onnx

    signature = [tf.TensorSpec((None, None, None, 3), tf.float32, name="images")]

    def estimated(images: Any) -> Any:
        return noise(model(images, training=False), highest)

    function = tf.function(estimated, input_signature=signature)
    converted: onnx.ModelProto
    converted, _ = tf2onnx.from_function(function, signature, opset=OPSET)
    graph = converted.graph
    rename(graph, {graph.output[0].name: OUTPUT})
    finish(converted, FREE)
    return converted


def noise(estimates: Any, highest: float) -> Any:
    """Return what the denoiser takes, (batch, 6), for what the network returns."""
    ops = keras.ops
    sigma = ops.clip(ops.exp(estimates[:, :1]) - OFFSET, 0.0, highest)
    described = ops.maximum(estimates[:, 1:3], 0.0)
    return ops.concatenate([sigma, described, ops.clip(estimates[:, 3:], -3.0, 3.0)], -1)
