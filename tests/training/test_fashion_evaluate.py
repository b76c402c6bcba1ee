"""Models are measured as they are served, denoisers beside every other method."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from service.errors import StartupError
from service.inference.loader import load
from service.manifest import Manifest, Measurement
from tests.training.pca import SAMPLES, Pca
from training import card
from training.datasets import fashion_mnist
from training.fashion import baselines
from training.fashion.evaluate import (
    Comparison,
    are_sigmoid_activations,
    before_fine_tuning,
    corrupt,
    evaluate,
)
from training.pixel_noise import NOISES, Noise
from training.scores import mse, psnr_of_mean, ssim

SAMPLE = fashion_mnist.load(SAMPLES)
DATA = replace(SAMPLE, validation=SAMPLE.validation[:10], test=SAMPLE.test[:10])
PCA = Pca(DATA.train)


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return Comparison(DATA)


def value(measurements: tuple[Measurement, ...], *wanted: str) -> float:
    """Return the one figure whose texts are the wanted ones, in the manifest's order."""
    (found,) = (
        figure.value
        for figure in measurements
        if (figure.quantity, figure.data, figure.condition, figure.method) == wanted
    )
    return found


def test_the_figures_are_those_of_the_served_graphs(tmp_path: Path, comparison: Comparison) -> None:
    folder = PCA.write(tmp_path, "pca")
    figures = evaluate(folder, DATA, comparison).measurements
    test = PCA.reconstruct(DATA.test)
    on_validation = mse(PCA.reconstruct(DATA.validation), DATA.validation)
    expected = {
        ("mse", "10 validation images"): on_validation,
        ("mse", "10 test images"): mse(test, DATA.test),
        ("psnr", "10 test images"): psnr_of_mean(test, DATA.test),
        ("ssim", "10 test images"): ssim(test, DATA.test),
    }
    assert len(figures) == len(expected)
    for (quantity, images), figure in expected.items():
        assert value(figures, quantity, images, "clean", "model") == pytest.approx(figure, abs=1e-4)


def test_manifest_and_card_are_rewritten_and_still_served(
    tmp_path: Path, comparison: Comparison
) -> None:
    folder = PCA.write(tmp_path, "pca")
    before = Manifest.read(folder)
    returned = evaluate(folder, DATA, comparison)
    assert load(folder).manifest == returned
    assert returned.model_copy(update={"measurements": (), "calibration": None}) == before
    assert returned.calibration
    assert returned.calibration.items == len(DATA.validation)
    assert returned.calibration.mean == pytest.approx(returned.measurements[0].value, rel=1e-4)
    assert (folder / card.FILE_NAME).read_text() == card.render(returned)
    assert evaluate(folder, DATA, comparison) == returned


@pytest.mark.slow
def test_a_denoiser_is_measured_beside_every_method_at_every_noise(
    tmp_path: Path, comparison: Comparison
) -> None:
    figures = evaluate(PCA.write(tmp_path, "pca", denoises=True), DATA, comparison).measurements
    methods = ("model", "corrupted input", *baselines.METHODS)
    for noise in NOISES:
        corrupted = corrupt(DATA.test, noise)
        for quantity in ("psnr", "ssim"):
            at = {
                method: value(figures, quantity, "10 test images", str(noise), method)
                for method in methods
            }
            score = {"psnr": psnr_of_mean, "ssim": ssim}[quantity]
            assert at["corrupted input"] == pytest.approx(score(corrupted, DATA.test), abs=1e-5)
            restored = PCA.reconstruct(corrupted)
            assert at["model"] == pytest.approx(score(restored, DATA.test), abs=1e-3)
    assert len(figures) == 4 + 2 * len(methods) * len(NOISES)
    assert {figure.unit for figure in figures if figure.quantity == "psnr"} == {"dB"}
    assert {figure.unit for figure in figures if figure.quantity != "psnr"} == {""}


@pytest.mark.slow
def test_two_denoisers_are_compared_with_the_same_measurements(comparison: Comparison) -> None:
    noise = Noise("gaussian", 0.2)
    assert comparison.measure(noise) is comparison.measure(Noise("gaussian", 0.2))


def test_the_same_seed_spoils_the_same_pixels_each_time() -> None:
    for noise in NOISES:
        np.testing.assert_array_equal(corrupt(DATA.test, noise), corrupt(DATA.test, noise))
        assert mse(corrupt(DATA.test, noise), DATA.test) > 0.004


def test_codings_of_sigmoid_units_are_measured_for_sparsity(
    tmp_path: Path, comparison: Comparison
) -> None:
    folder = PCA.write(tmp_path, "pca", sigmoid=True)
    codings = load(folder).infer("encode", DATA.validation)
    assert are_sigmoid_activations(codings)
    figures = evaluate(folder, DATA, comparison).measurements
    images = "10 validation images"
    for limit in (0.01, 0.1):
        share = value(figures, "share", images, f"activations under {limit}", "model")
        assert share == pytest.approx(np.mean(codings < limit), abs=1e-6)
    assert 0 < share < 1
    above = value(figures, "share", images, "images with an activation above 0.5", "model")
    assert above == pytest.approx(np.mean(codings.max(axis=1) > 0.5), abs=1e-6)
    means = codings.mean(axis=0)
    neurons = "neurons with a mean activation between 0.1 and 0.2"
    assert value(figures, "share", images, neurons, "model") == pytest.approx(
        np.mean((means >= 0.1) & (means <= 0.2)), abs=1e-6
    )


@pytest.mark.parametrize(
    ("codings", "expected"),
    [
        (np.array([[0.0, 1.0]], np.float32), True),
        (np.array([[-0.1, 0.5]], np.float32), False),
        (np.array([[0.5, 1.1]], np.float32), False),
        (np.zeros((2, 3, 3, 4), np.float32), False),
    ],
)
def test_sigmoid_activations_are_rows_between_0_and_1(
    codings: np.ndarray[tuple[int, ...], np.dtype[np.float32]], expected: bool
) -> None:
    assert are_sigmoid_activations(codings) is expected


def test_the_mse_before_fine_tuning_stands_beside_the_one_after(
    tmp_path: Path, comparison: Comparison
) -> None:
    folder = PCA.write(tmp_path, "pca")
    known = before_fine_tuning(0.025, 10)
    Manifest.read(folder).model_copy(update={"measurements": (known,)}).write(folder)
    evaluate(folder, DATA, comparison)
    figures = evaluate(folder, DATA, comparison).measurements
    before = value(figures, "mse", "10 validation images", "clean", "model before fine-tuning")
    assert before == 0.025


def test_a_folder_that_cannot_be_served_is_not_measured(
    tmp_path: Path, comparison: Comparison
) -> None:
    folder = PCA.write(tmp_path, "pca")
    (folder / "encode.onnx").write_bytes(b"not the graph")
    with pytest.raises(StartupError, match=r"encode\.onnx"):
        evaluate(folder, DATA, comparison)
    assert Manifest.read(folder).measurements == ()
