"""Export the denoiser of photographs to ONNX, with a manifest, behind a parity gate."""

from pathlib import Path

import keras
import numpy as np
import onnx

from service.inference.device import Execution
from service.inference.session import Session
from service.manifest import (
    SCHEMA_VERSION,
    Manifest,
    Operation,
    Pixels,
    Provenance,
    SigmaInput,
    Tensor,
    Tiles,
    digest,
)
from training.autoencoders.photo import PhotoConfig, build
from training.export import FILES, check_parity, require_tensorflow, version
from training.photo import graph
from training.photo.halo import halo, pictures
from training.photo.noise.profile import UNKNOWN, UNKNOWN_SIGMA
from training.photo.noise.types import Floats
from training.record import reading

HIGHEST_SIGMA = 100.0
IMAGES = Tensor(name="images", dtype="float32", shape=("batch", "height", "width", 3))
RECONSTRUCTIONS = Tensor(name=graph.OUTPUT, dtype="float32", shape=IMAGES.shape)
SIGMA = SigmaInput(
    tensor=Tensor(name="sigma", dtype="float32", shape=("batch",)),
    unknown=UNKNOWN_SIGMA,
    highest=HIGHEST_SIGMA,
)


def export(
    config: PhotoConfig, weights: Path, folder: Path, *, summary: str, provenance: Provenance
) -> Manifest:
    """Write the graph and the manifest of trained weights, in place of a version that exists.

    Args:
        config: The model that the weights are of.
        weights: Keras weights file.
        folder: Models/photo/<version>/; it stays as it is where the export fails.
        summary: One line on the model, for its manifest.
        provenance: How the model was trained.

    Returns:
        The manifest as it was written.

    Raises:
        ParityError: The graph computes something else than Keras does, for two batch sizes and two
            sizes of images.
        FileNotFoundError: The weights are missing.
        ValueError: Keras runs on another backend than TensorFlow, or the weights are damaged or of
            another model.
    """
    require_tensorflow()
    model = build(config, seed=0)
    with reading(weights, "weights of the model"):
        model.load_weights(weights)
    with version(folder) as draft:
        manifest = Manifest(
            schema_version=SCHEMA_VERSION,
            name=folder.parent.name,
            version=int(folder.name),
            summary=summary,
            pixels=Pixels(mode="RGB", scale=255.0),
            operations={"denoise": _write(model, draft / FILES["denoise"], stride=config.stride)},
            provenance=provenance,
            measurements=(),
        )
        manifest.write(draft)
    return manifest


def _write(model: keras.Model, path: Path, *, stride: int) -> Operation:
    onnx.save(graph.convert(model), path)

    def described(pixels: int) -> Operation:
        return Operation(
            file=path.name,
            sha256=digest(path),
            input=IMAGES,
            output=RECONSTRUCTIONS,
            steps=None,
            sigma=SIGMA,
            tiles=Tiles(stride=stride, halo=pixels),
        )

    session = Session(path, described(stride), Execution())
    _check_parity(model, session, path.name, stride)
    return described(halo(session.run, pictures(), stride=stride))


def _check_parity(model: keras.Model, session: Session, name: str, stride: int) -> None:
    random = np.random.default_rng(0)
    for batch, height, width in ((1, 9 * stride, 9 * stride), (3, 5 * stride, 12 * stride)):
        images: Floats = random.random((batch, height, width, 3), np.float32)
        sigma = np.array([UNKNOWN_SIGMA, 15, 50], np.float32)[:batch]
        expected = np.asarray(model([images, sigma, np.tile(UNKNOWN, (batch, 1))], training=False))
        received = session.run(images, None, sigma)
        check_parity(name, images, expected, received)
