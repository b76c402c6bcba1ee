"""The estimator of a photograph's noise: its samples, its network, its training and its graph."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from training.datasets.photos import Folder, decode
from training.photo.estimate import graph, samples
from training.photo.estimate.fit import (
    LEAN,
    SIZES,
    STRONG,
    WEIGHTS,
    EstimatorPlan,
    EstimatorSettings,
    weighted_error,
)
from training.photo.estimate.network import EstimatorConfig, NoiseEstimator, created
from training.photo.estimate.samples import OFFSET, Samples
from training.photo.noise import mix
from training.photo.noise.gaussian import white
from training.photo.noise.types import Floats
from training.photo.train import Data, load, train

CONFIG = EstimatorConfig(8, heads=2, hidden=16)
SETTINGS = EstimatorSettings(
    steps=24, pixels=100_000, learning_rate=0.005, warmup=2, validate_every=12
)


@pytest.fixture(scope="module")
def drawn(photographs: Folder, tmp_path_factory: pytest.TempPathFactory) -> Samples:
    file = tmp_path_factory.mktemp("decoded") / "photos.bin"
    return Samples(decode(photographs, file, at_least=128), 0, 200_000, seed=5)


@pytest.fixture(scope="module")
def estimator() -> NoiseEstimator:
    """An estimator whose weights are random in all layers."""
    model = created(CONFIG, seed=1)
    random = np.random.default_rng(0)
    for each in model.weights:
        each.assign(each + 0.1 * random.standard_normal(each.shape))
    return model


@pytest.mark.parametrize("size", SIZES)
def test_a_batch_holds_images_of_one_size_and_what_their_noise_is(
    drawn: Samples, size: int
) -> None:
    batch = drawn.draw(3, size, drawn.photos.arrays())
    assert batch.images.shape[1:] == (size, size, 3)
    assert 1 <= len(batch.images) <= samples.MOST
    assert batch.images.size // 3 <= drawn.pixels
    assert batch.noise.shape == (len(batch.images), 7)
    again = drawn.draw(3, size, drawn.photos.arrays())
    np.testing.assert_array_equal(batch.images, again.images)
    assert not np.array_equal(batch.noise, drawn.draw(4, size, drawn.photos.arrays()).noise)


def test_what_is_estimated_is_the_level_of_the_noise(
    drawn: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a plain photograph, everything but its mean is noise."""
    plain = [np.full((300, 300, 3), 128, np.uint8)]
    monkeypatch.setattr(mix, "MIX", (mix.Kind("white", 1.0, 0.0, 0.0, 0.0, white),))
    batch = drawn.draw(0, 128, plain)
    compared = 0
    for image, expected in zip(batch.images, batch.noise, strict=True):
        sigma = float(np.exp(expected[0]) - OFFSET)
        if 2 < sigma < 30:  # stronger noise is clipped
            assert image.std() * 255 == pytest.approx(sigma, rel=0.05)
            compared += 1
    assert compared > 2


@pytest.mark.parametrize(("level", "share"), [(0, 0.5 - LEAN / 2), (STRONG, 0.5 + LEAN / 2)])
def test_the_best_estimate_of_a_level_leans_the_safer_way(level: float, share: float) -> None:
    """Of images with errors of -1 to 1 about their true levels, so many lie below it."""
    expected = np.zeros((1001, 7), np.float32)
    expected[:, 0] = 1.0
    expected[:, 6] = np.log(level + OFFSET)
    errors = np.linspace(-1, 1, len(expected), dtype=np.float32)

    def loss(shift: float) -> float:
        estimated = expected[:, :6].copy()
        estimated[:, 0] += shift - errors
        return float(weighted_error(expected, estimated))

    shifts = np.linspace(-1, 1, 201)
    best = shifts[np.argmin([loss(shift) for shift in shifts])]
    assert np.mean(errors < best) == pytest.approx(share, abs=0.02)


def test_batches_say_how_much_noise_was_added_before_jpeg(
    drawn: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = mix.Kind("none", 1.0, 1.0, 0.0, 0.0, mix.nothing)
    monkeypatch.setattr(mix, "MIX", (only,))
    noise = drawn.draw(0, 128, drawn.photos.arrays()).noise
    np.testing.assert_allclose(noise[:, 6], np.log(OFFSET))
    assert (noise[:, 0] > noise[:, 6]).all()


def test_a_mosaic_has_crops_side_by_side() -> None:
    parts = np.arange(4 * 2 * 2 * 3, dtype=np.float32).reshape(4, 2, 2, 3)
    image = samples.mosaic(parts)
    np.testing.assert_array_equal(image[:2, 2:], parts[1])
    np.testing.assert_array_equal(image[2:, :2], parts[2])


def test_an_estimate_is_of_the_whole_image(estimator: NoiseEstimator) -> None:
    """Whatever its size, and wherever in it something is, but for the seams between."""
    random = np.random.default_rng(0)
    images: Floats = random.random((2, 64, 96, 3), np.float32)
    estimates = np.asarray(estimator(images))
    assert estimates.shape == (2, 6)
    changed = images.copy()
    changed[0, 32:] *= 0.5
    others = np.asarray(estimator(changed))
    assert np.abs(others[0] - estimates[0]).max() > 1e-3
    np.testing.assert_allclose(others[1], estimates[1], atol=1e-6)
    for part in (images[:, :32], images[:, :, 48:]):
        assert np.asarray(estimator(part)).shape == (2, 6)


def test_the_graph_returns_a_level_and_a_profile_that_the_denoiser_takes(
    estimator: NoiseEstimator,
) -> None:
    converted = graph.convert(estimator, highest=20.0)
    session = onnxruntime.InferenceSession(
        converted.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    random = np.random.default_rng(1)
    for shape in ((1, 64, 32, 3), (3, 8, 40, 3)):
        images = random.random(shape, np.float32)
        (received,) = session.run(["noise"], {"images": images})
        expected = np.asarray(graph.noise(estimator(images), 20.0))
        np.testing.assert_allclose(received, expected, atol=1e-4)
    for value in (-50.0, 50.0):  # whatever the network says
        (noise,) = np.asarray(graph.noise(np.full((1, 6), value, np.float32), 20.0))
        assert 0 <= noise[0] <= 20
        assert (noise[1:3] >= 0).all()
        assert (np.abs(noise[3:]) <= 3).all()


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_a_training_learns_and_resumes_after_a_stop(photographs: Folder, tmp_path: Path) -> None:
    def run(folder: Path, *, stop: bool = False) -> None:
        def listen(text: str) -> None:
            if stop and text.startswith("step 12 "):
                os.kill(os.getpid(), signal.SIGTERM)

        data = Data(*photographs.split(3), licence="none")
        plan = EstimatorPlan(CONFIG, replace(SETTINGS, momentum=0.5))
        train(plan, data, folder, seed=1, command="none", announce=listen)

    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    run(whole)
    with pytest.raises(KeyboardInterrupt):
        run(stopped, stop=True)
    run(stopped)
    rows = [line.split(",") for line in (whole / "history.csv").read_text().splitlines()]
    losses = [float(row[rows[0].index("loss")]) for row in rows[1:]]
    assert losses[1] < 0.8 * losses[0]
    assert load(whole, str(CONFIG)).ended
    models = []
    for folder in (whole, stopped):
        model = created(CONFIG, seed=2)
        model.load_weights(folder / WEIGHTS)
        models.append(model)
    for one, other in zip(models[0].weights, models[1].weights, strict=True):
        np.testing.assert_allclose(np.asarray(one), np.asarray(other), atol=1e-5)
