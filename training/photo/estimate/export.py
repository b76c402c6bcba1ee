"""Export the estimator of noise to ONNX, behind a parity gate."""

from pathlib import Path

import numpy as np
import onnx

from service.inference.device import Execution
from service.inference.session import Session
from service.manifest import PHOTOGRAPHS, PROFILE, Mosaic, Operation, Tensor, digest
from training.export import check_parity
from training.photo.estimate import graph
from training.photo.estimate.network import STRIDE, EstimatorConfig, created
from training.photo.noise.types import Floats
from training.record import reading

MOSAIC = Mosaic(stride=STRIDE, crop=128, across=4)
IMAGES = Tensor(name="images", dtype="float32", shape=PHOTOGRAPHS)
NOISE = Tensor(name=graph.OUTPUT, dtype="float32", shape=("batch", 1 + PROFILE))


def write(config: EstimatorConfig, weights: Path, path: Path, *, highest: float) -> Operation:
    """Write the graph of a trained estimator.

    Args:
        config: The network that the weights are of.
        weights: Keras weights file.
        path: The ONNX file to write.
        highest: The highest noise level that the denoiser takes.

    Returns:
        What a manifest says of it.

    Raises:
        ParityError: The graph computes something else than Keras does.
        FileNotFoundError: The weights are missing.
        ValueError: The weights are damaged or of another model.
    """
    model = created(config, seed=0)
    with reading(weights, "weights of the estimator"):
        model.load_weights(weights)
    onnx.save(graph.convert(model, highest=highest), path)
    operation = Operation(
        file=path.name,
        sha256=digest(path),
        input=IMAGES,
        output=NOISE,
        steps=None,
        sigma=None,
        tiles=None,
        profile=None,
        mosaic=MOSAIC,
    )
    session = Session(path, operation, Execution())
    random = np.random.default_rng(0)
    for shape in ((1, 9 * STRIDE, 9 * STRIDE, 3), (3, 5 * STRIDE, 12 * STRIDE, 3)):
        images: Floats = random.random(shape, np.float32)
        expected = np.asarray(graph.noise(model(images, training=False), highest))
        check_parity(path.name, images, expected, session.run(images))
    return operation
