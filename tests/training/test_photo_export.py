"""The exported denoiser of photographs is what Keras computes, with nothing else in its graph."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import onnx
import pytest

from service.inference.loader import load
from service.manifest import Manifest, Provenance
from training import export as shared
from training.autoencoders.photo import PhotoConfig, build
from training.export import ParityError
from training.photo.estimate.network import EstimatorConfig, created
from training.photo.export import Denoiser, Exported, Trained, export
from training.photo.halo import halo
from training.photo.noise.profile import UNKNOWN, WHITE
from training.photo.noise.types import Floats
from training.photo.start import Start

pytestmark = pytest.mark.slow

CONFIG = PhotoConfig((8, 8), (1, 2))
ESTIMATOR = EstimatorConfig(8, heads=2, hidden=16)
PROVENANCE = Provenance(
    dataset="none",
    dataset_licence="none",
    data=None,
    seed=0,
    epochs=1,
    settings="none",
    command="none",
    trained_at=datetime(2026, 1, 1, tzinfo=UTC),
    versions={},
)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights as of a trained network: of no layer are they what they are at first."""
    random = np.random.default_rng(0)
    model = build(CONFIG, seed=1)
    for each in model.weights:
        noise = random.standard_normal(each.shape)
        each.assign(abs(each + 0.3 * noise) if "normal" in each.path else each + 0.05 * noise)
    path = tmp_path_factory.mktemp("weights") / "photo.weights.h5"
    model.save_weights(path)
    return path


def exported(weights: Path, folder: Path, *, denoiser: Denoiser | None = None) -> None:
    """Export the denoiser's weights, beside an estimator that was not trained."""
    estimator = weights.with_name("estimator.weights.h5")
    created(ESTIMATOR, seed=1).save_weights(estimator)
    export(
        denoiser or Trained(CONFIG, weights),
        (ESTIMATOR, estimator),
        folder,
        summary="Tiny",
        provenance=PROVENANCE,
    )


@pytest.fixture(scope="module")
def folder(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "photo" / "1"
    exported(weights, folder)
    return folder


def test_the_served_model_gives_what_keras_gives(folder: Path, weights: Path) -> None:
    served, model = load(folder), build(CONFIG, seed=2)
    model.load_weights(weights)
    random = np.random.default_rng(1)
    for shape in ((2, 4, 20, 3), (1, 36, 8, 3)):
        images = random.random(shape, np.float32)
        for sigma, profile in ((None, None), (0.0, None), (70.0, WHITE)):
            levels = np.full(len(images), -1 if sigma is None else sigma, np.float32)
            described = np.tile(UNKNOWN if profile is None else profile, (len(images), 1))
            expected = np.asarray(model([images, levels, described], training=False))
            received = served.batchers["denoise"].session.run(images, None, sigma, profile)
            np.testing.assert_allclose(received, expected, atol=1e-5)
            assert np.abs(received - images).max() > 1e-3


@pytest.mark.parametrize("channels", [(8, 8), (8, 12)])
def test_a_training_starts_from_what_was_exported(folder: Path, channels: tuple[int, int]) -> None:
    session, model = (
        load(folder).batchers["denoise"].session,
        build(replace(CONFIG, channels=channels), seed=3),
    )
    start = Start(folder)
    assert start.leak == CONFIG.leak > 0
    start.load(model)
    images = np.random.default_rng(1).random((1, 36, 8, 3), np.float32)
    for sigma, profile in ((-1.0, UNKNOWN), (30.0, WHITE)):
        expected = session.run(
            images, None, sigma if sigma > 0 else None, profile if sigma > 0 else None
        )
        received = model.predict_on_batch([images, np.array([sigma], np.float32), profile[None]])
        np.testing.assert_allclose(received, expected, atol=1e-5)


def test_nothing_is_left_in_the_graph_but_what_computes(folder: Path) -> None:
    graph = onnx.load(folder / "denoiser.onnx").graph
    nodes = Counter(node.op_type for node in graph.node)
    assert nodes["Transpose"] == 2  # pixels come and go with their colours last
    assert nodes["ConvTranspose"] == 2
    assert nodes["Conv"] == 2 + 2 * (1 + 2 + 1)
    assert not {"BatchNormalization", "Pad", "Shape"} & set(nodes)
    assert nodes["Slice"] == 1  # of the profile, never of pixels
    used = {name for node in graph.node for name in node.input}
    assert {constant.name for constant in graph.initializer} <= used
    shapes = {
        value.name: [size.dim_param or size.dim_value for size in value.type.tensor_type.shape.dim]
        for value in (*graph.input, *graph.output)
    }
    photographs = ["batch", "height", "width", 3]
    assert shapes == {
        "images": photographs,
        "sigma": ["batch"],
        "profile": ["batch", 5],
        "reconstructions": photographs,
    }


def test_the_manifest_says_how_photographs_are_cut(folder: Path) -> None:
    operation = Manifest.read(folder).operations["denoise"]
    assert operation.tiles
    assert operation.tiles.stride == CONFIG.stride == 4
    assert 4 < operation.tiles.halo < 64
    assert operation.tiles.halo % 4 == 0
    assert operation.sigma
    assert (operation.sigma.unknown, operation.sigma.highest) == (-1, 100)
    assert operation.profile
    assert operation.profile.unknown == -1


def test_the_estimator_is_an_operation_of_the_model(folder: Path) -> None:
    described = Manifest.read(folder).operations["estimate"].mosaic
    assert described
    assert described.crop % described.stride == 0
    images = np.random.default_rng(0).random((2, 128, 64, 3), np.float32)
    noise = load(folder).infer("estimate", images)
    assert noise.shape == (2, 6)
    assert (noise[:, 0] >= 0).all()


def test_an_exported_denoiser_can_get_a_new_estimator(
    folder: Path, weights: Path, tmp_path: Path
) -> None:
    second = tmp_path / "photo" / "2"
    exported(weights, second, denoiser=Exported(folder))
    before, after = (Manifest.read(each).operations["denoise"] for each in (folder, second))
    assert after == before
    assert load(second).version == 2
    (tmp_path / "none").mkdir()
    with pytest.raises(OSError, match="manifest"):
        exported(weights, second, denoiser=Exported(tmp_path / "none"))
    assert load(second).version == 2


def test_damaged_weights_are_named(weights: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "photo.weights.h5"
    damaged.write_bytes(weights.read_bytes()[:999])
    folder = tmp_path / "photo" / "1"
    with pytest.raises(ValueError, match=r"photo\.weights\.h5: expected weights of the model"):
        exported(damaged, folder)
    assert not folder.exists()


def test_a_graph_that_differs_from_keras_is_not_exported(
    folder: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Manifest.read(folder)
    monkeypatch.setattr(shared, "TOLERANCE", -1.0)
    with pytest.raises(ParityError, match="of Keras, received"):
        exported(weights, folder)
    assert Manifest.read(folder) == before
    assert [path.name for path in folder.parent.iterdir()] == ["1"]


@pytest.mark.parametrize(("reach", "expected"), [(5, 8), (8, 8), (9, 12)])
def test_the_halo_is_as_far_as_pixels_reach(reach: int, expected: int) -> None:
    def drag(images: Floats) -> Floats:
        """Every pixel takes some of the one so far to its right; there is black beyond the edge."""
        shifted = np.zeros_like(images)
        shifted[:, :, :-reach] = images[:, :, reach:]
        dragged: Floats = (images + shifted) / np.float32(2)
        return dragged

    picture = np.random.default_rng(0).random((16, 64, 3), np.float32)
    assert halo([(drag, picture)], stride=4) == expected
    assert halo([(lambda images: images, picture)], stride=4) == 0


def test_a_network_that_sees_further_than_is_measured_has_no_halo() -> None:
    picture = np.random.default_rng(0).random((16, 64, 3), np.float32)
    with pytest.raises(ValueError, match="less than 32 pixels away"):
        halo([(lambda images: images + images.mean(), picture)], stride=4)
