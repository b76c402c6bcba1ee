"""Export the denoiser of photographs to ONNX, with a manifest, behind a parity gate."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import keras
import numpy as np
import onnx

from service.inference.device import Execution
from service.inference.session import Session
from service.manifest import (
    PROFILE,
    SCHEMA_VERSION,
    Manifest,
    Operation,
    Pixels,
    ProfileInput,
    Provenance,
    SigmaInput,
    Tensor,
    Tiles,
    digest,
)
from training.autoencoders.photo import PhotoConfig, build
from training.export import FILES, check_parity, require_tensorflow, version
from training.photo import graph
from training.photo.estimate import export as estimate
from training.photo.estimate.network import EstimatorConfig
from training.photo.halo import Denoise, halo, scenes
from training.photo.noise.mix import Sample
from training.photo.noise.profile import UNKNOWN, UNKNOWN_SIGMA, WHITE
from training.photo.noise.types import Floats
from training.record import reading

HIGHEST_SIGMA = 100.0
SOURCES = "SOURCES.tsv"
"""Beside the graphs: source, author and licence of each photograph of the training."""
IMAGES = Tensor(name="images", dtype="float32", shape=("batch", "height", "width", 3))
RECONSTRUCTIONS = Tensor(name=graph.OUTPUT, dtype="float32", shape=IMAGES.shape)
SIGMA = SigmaInput(
    tensor=Tensor(name="sigma", dtype="float32", shape=("batch",)),
    unknown=UNKNOWN_SIGMA,
    highest=HIGHEST_SIGMA,
)
PROFILE_INPUT = ProfileInput(
    tensor=Tensor(name="profile", dtype="float32", shape=("batch", PROFILE)),
    unknown=float(UNKNOWN[0]),
)


class Denoiser(Protocol):
    """A denoiser to export."""

    def write(self, path: Path) -> Operation:
        """Write its graph; return what a manifest says of it."""
        ...


@dataclass(frozen=True)
class Trained:
    """A denoiser that was trained.

    Args:
        config: The network.
        weights: Keras weights file of it.
    """

    config: PhotoConfig
    weights: Path

    def write(self, path: Path) -> Operation:
        """Convert the weights.

        Raises:
            ParityError: The graph computes something else than Keras does, for two batch sizes and
                two sizes of images.
            FileNotFoundError: The weights are missing.
            ValueError: The weights are damaged or of another network.
        """
        model = build(self.config, seed=0)
        with reading(self.weights, "weights of the model"):
            model.load_weights(self.weights)
        return _write(model, path, stride=self.config.stride)


@dataclass(frozen=True)
class Exported:
    """A denoiser that was exported before.

    Args:
        folder: models/<name>/<version>/.
    """

    folder: Path

    def write(self, path: Path) -> Operation:
        """Copy the graph. Raises OSError and ValueError where the folder has none."""
        operation = Manifest.read(self.folder).operations.get("denoise")
        if operation is None or operation.tiles is None:
            raise ValueError(f"{self.folder}: expected a denoiser of photographs, received none")
        shutil.copyfile(self.folder / operation.file, path)
        return operation.model_copy(update={"file": path.name, "sha256": digest(path)})


def export(
    denoiser: Denoiser,
    estimator: tuple[EstimatorConfig, Path],
    folder: Path,
    *,
    summary: str,
    provenance: Provenance,
    sources: Path | None = None,
) -> Manifest:
    """Write the graphs and the manifest of trained weights, in place of a version that exists.

    Args:
        denoiser: What removes the noise.
        estimator: What estimates it: the network, and its Keras weights file.
        folder: models/photo/<version>/; it stays as it is where the export fails.
        summary: One line on the model, for its manifest.
        provenance: How both were trained.
        sources: File on the photographs of the training, copied to SOURCES beside the graphs.

    Returns:
        The manifest as it was written.

    Raises:
        ParityError: A graph computes something else than Keras does.
        FileNotFoundError: Weights or sources are missing.
        ValueError: Keras runs on another backend than TensorFlow, or weights are damaged or of
            another network.
    """
    require_tensorflow()
    with version(folder) as draft:
        manifest = Manifest(
            schema_version=SCHEMA_VERSION,
            name=folder.parent.name,
            version=int(folder.name),
            summary=summary,
            pixels=Pixels(mode="RGB", scale=255.0),
            rows=None,
            operations={
                "denoise": denoiser.write(draft / FILES["denoise"]),
                "estimate": estimate.write(
                    *estimator, draft / FILES["estimate"], highest=HIGHEST_SIGMA
                ),
            },
            provenance=provenance,
            measurements=(),
            calibration=None,
        )
        manifest.write(draft)
        if sources:
            shutil.copyfile(sources, draft / SOURCES)
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
            profile=PROFILE_INPUT,
            mosaic=None,
        )

    session = Session(path, described(stride), Execution())
    _check_parity(model, session, path.name, stride)
    return described(halo(_cases(session), stride=stride))


def _cases(session: Session) -> Iterator[tuple[Denoise, Floats]]:
    """Scenes with noise, each denoised blind and with what is known of its noise."""
    for sample in scenes():
        yield session.run, sample.noisy
        yield partial(_informed, session, sample), sample.noisy


def _informed(session: Session, sample: Sample, images: Floats) -> Floats:
    return session.run(images, None, sample.sigma, sample.profile)


def _check_parity(model: keras.Model, session: Session, name: str, stride: int) -> None:
    random = np.random.default_rng(0)
    for batch, height, width in ((1, 9 * stride, 9 * stride), (3, 5 * stride, 12 * stride)):
        images: Floats = random.random((batch, height, width, 3), np.float32)
        sigma = np.array([UNKNOWN_SIGMA, 15, 50], np.float32)[:batch]
        profile = np.stack([UNKNOWN, WHITE, WHITE / 2])[:batch]
        expected = np.asarray(model([images, sigma, profile], training=False))
        received = session.run(images, None, sigma, profile)
        check_parity(name, images, expected, received)
