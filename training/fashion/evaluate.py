"""Evaluate an exported model of Fashion-MNIST through the code that serves it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tqdm import tqdm

from service.inference.loader import load
from service.inference.model import LoadedModel
from service.manifest import Manifest, Measurement
from training import card
from training.calibration import calibrate
from training.datasets.fashion_mnist import FashionMnist
from training.fashion import baselines
from training.measurement import CLEAN, CORRUPTED, MODEL, measurement
from training.pixel_noise import NOISES, TEST_SEED, Floats, Noise
from training.scores import mse, psnr_of_mean, ssim

BATCH = 500
BEFORE_FINE_TUNING = "model before fine-tuning"


class Comparison:
    """PSNR and SSIM of corrupted test images and of the baselines, computed once for each noise."""

    def __init__(self, data: FashionMnist) -> None:
        self._data = data
        self._measured: dict[Noise, tuple[Measurement, ...]] = {}

    def measure(self, noise: Noise) -> tuple[Measurement, ...]:
        """Return PSNR and SSIM of the corrupted test images, and as each baseline restores them."""
        if noise not in self._measured:
            self._measured[noise] = tuple(self._measure(noise))
        return self._measured[noise]

    def _measure(self, noise: Noise) -> Iterator[Measurement]:
        test = self._data.test
        corrupted = corrupt(test, noise)
        yield from _fidelity(corrupted, test, str(noise), CORRUPTED)
        for method in tqdm(baselines.METHODS, f"baselines, {noise}", disable=None):
            restore = baselines.prepare(method, self._data.train, self._data.validation, noise)
            yield from _fidelity(restore(corrupted), test, str(noise), method)


def evaluate(
    folder: Path, data: FashionMnist, comparison: Comparison, *, write: bool = True
) -> Manifest:
    """Measure the ONNX graphs of a model.

    Measured are MSE, PSNR (of the mean MSE, for a peak of 1) and SSIM on clean images; for a
    denoiser PSNR and SSIM on corrupted images, beside the comparison's; for codings of sigmoid
    units their sparsity. The MSE before fine-tuning is kept, as only training can measure it.

    The scores of the validation images calibrate the model.

    Args:
        folder: models/<name>/<version>/.
        data: Validation and test images.
        comparison: Figures of other methods.
        write: Whether to rewrite the manifest and the model card in the folder.

    Returns:
        The manifest with the figures.

    Raises:
        StartupError: The folder cannot be served.
    """
    model = load(folder)
    measurements = list(_measure_clean(model, data))
    earlier = model.manifest.measurements
    measurements.extend(each for each in earlier if each.method == BEFORE_FINE_TUNING)
    measurements.extend(_measure_sparsity(model, data))
    if "denoise" in model.batchers:
        for noise in NOISES:
            restored = reconstruct(model, corrupt(data.test, noise))
            measurements.extend(_fidelity(restored, data.test, str(noise), MODEL))
            measurements.extend(comparison.measure(noise))
    calibration = calibrate(model, _batches(data.validation), _validation(len(data.validation)))
    manifest = model.manifest.model_copy(
        update={"measurements": tuple(measurements), "calibration": calibration}
    )
    if write:
        manifest.write(folder)
        card.write(manifest, folder)
    return manifest


def before_fine_tuning(error: float, images: int) -> Measurement:
    """Return the MSE that training measured before fine-tuning, as a manifest keeps it."""
    return measurement("mse", _validation(images), CLEAN, BEFORE_FINE_TUNING, error)


def corrupt(test: Floats, noise: Noise) -> Floats:
    """Return test images with noise, the same for every model and every other method."""
    return noise.corrupt(test, seed=TEST_SEED)


def reconstruct(model: LoadedModel, images: Floats) -> Floats:
    """Return denoised images of a denoiser, else reconstructions: images encoded and decoded."""

    def one(batch: Floats) -> Floats:
        if "denoise" in model.batchers:
            return model.infer("denoise", batch)
        return model.infer("decode", model.infer("encode", batch))

    name = f"{model.name}, {len(images):,} images"
    return np.concatenate([one(batch) for batch in tqdm(_batches(images), name, disable=None)])


def encode(model: LoadedModel, images: Floats) -> Floats:
    """Return the codings of images, (n, ...)."""
    return np.concatenate([model.infer("encode", batch) for batch in _batches(images)])


def are_sigmoid_activations(codings: Floats) -> bool:
    """Return whether codings (n, units) lie in [0, 1], as the activations of sigmoid units do."""
    return codings.ndim == 2 and bool(codings.min() >= 0 and codings.max() <= 1)


def _measure_clean(model: LoadedModel, data: FashionMnist) -> Iterator[Measurement]:
    error = mse(reconstruct(model, data.validation), data.validation)
    yield measurement("mse", _validation(len(data.validation)), CLEAN, MODEL, error)
    reconstructions = reconstruct(model, data.test)
    yield measurement("mse", _test(data.test), CLEAN, MODEL, mse(reconstructions, data.test))
    yield from _fidelity(reconstructions, data.test, CLEAN, MODEL)


def _measure_sparsity(model: LoadedModel, data: FashionMnist) -> Iterator[Measurement]:
    codings = encode(model, data.validation)
    if not are_sigmoid_activations(codings):
        return
    means = codings.mean(axis=0)
    shares = {
        "activations under 0.01": np.mean(codings < 0.01),
        "activations under 0.1": np.mean(codings < 0.1),
        "images with an activation above 0.5": np.mean(codings.max(axis=1) > 0.5),
        "neurons with a mean activation between 0.1 and 0.2": np.mean(
            (means >= 0.1) & (means <= 0.2)
        ),
    }
    for condition, share in shares.items():
        images = _validation(len(data.validation))
        yield measurement("share", images, condition, MODEL, float(share))


def _fidelity(
    received: Floats, expected: Floats, condition: str, method: str
) -> Iterator[Measurement]:
    images = _test(expected)
    yield measurement("psnr", images, condition, method, psnr_of_mean(received, expected))
    yield measurement("ssim", images, condition, method, ssim(received, expected))


def _validation(images: int) -> str:
    return f"{images:,} validation images"


def _test(images: Floats) -> str:
    return f"{len(images):,} test images"


def _batches(images: Floats) -> list[Floats]:
    return [images[start : start + BATCH] for start in range(0, len(images), BATCH)]
