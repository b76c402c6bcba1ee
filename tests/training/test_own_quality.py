"""Denoisers are measured on noisy images, beside these themselves."""

from pathlib import Path

import numpy as np

from service.inference.loader import load
from tests.training.pca import SAMPLES, Pca
from training.datasets import fashion_mnist
from training.datasets.items import Items
from training.own.quality import restoring
from training.pixel_noise import NOISES

IMAGES = fashion_mnist.load(SAMPLES, subset=200)
PIXELS = np.rint(IMAGES.test * 255).astype(np.uint8)


def test_a_denoiser_is_measured_at_every_noise(tmp_path: Path) -> None:
    model = load(Pca(IMAGES.train).write(tmp_path, "pca", denoises=True))
    figures = list(restoring(model, Items(PIXELS, np.arange(8)), "8 images"))
    psnr = {(each.condition, each.method): each.value for each in figures if each.unit == "dB"}
    conditions = ["clean", *(str(noise) for noise in NOISES)]
    assert [condition for condition, method in psnr if method == "model"] == conditions
    strongest = str(NOISES[-1])
    assert psnr[strongest, "model"] > psnr[strongest, "corrupted input"] + 3


def test_reconstructions_are_measured_on_clean_images_alone(tmp_path: Path) -> None:
    model = load(Pca(IMAGES.train).write(tmp_path, "pca"))
    figures = list(restoring(model, Items(PIXELS, np.arange(8)), "8 images"))
    assert [(each.quantity, each.condition) for each in figures] == [
        ("psnr", "clean"),
        ("ssim", "clean"),
    ]
