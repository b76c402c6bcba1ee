"""Denoisers are measured on noisy images, beside these themselves."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from service.inference.loader import load
from tests.training.pca import SAMPLES, Pca
from training.datasets import fashion_mnist
from training.datasets.items import DataSet, Items
from training.own.quality import nearest_neighbours, restoring
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


def test_items_without_a_class_are_neither_neighbours_nor_classified(tmp_path: Path) -> None:
    model = load(Pca(IMAGES.train).write(tmp_path, "pca"))
    labels = np.array(["dark", "light"] * 20)
    pixels = np.where(labels == "dark", 20, 200).astype(np.uint8)[:, np.newaxis, np.newaxis]
    pixels = np.broadcast_to(pixels, (40, *PIXELS.shape[1:]))
    train, held_out = Items(pixels, np.arange(30)), Items(pixels, np.arange(30, 40))
    data = DataSet(train, held_out, held_out, labels, None, None, None, "", ())
    assert nearest_neighbours(model, data, data.test) == 1
    wrong = labels.copy()
    wrong[0:20:2], wrong[1:20:4], wrong[30:40:2] = "", "light", ""
    assert nearest_neighbours(model, replace(data, labels=wrong), data.test) == 1
    wrong[30:] = ""
    assert nearest_neighbours(model, replace(data, labels=wrong), data.test) is None
    alike = np.full(40, "dark")  # which nothing could tell wrong
    assert nearest_neighbours(model, replace(data, labels=alike), data.test) is None


def test_reconstructions_are_measured_on_clean_images_alone(tmp_path: Path) -> None:
    model = load(Pca(IMAGES.train).write(tmp_path, "pca"))
    figures = list(restoring(model, Items(PIXELS, np.arange(8)), "8 images"))
    assert [(each.quantity, each.condition) for each in figures] == [
        ("psnr", "clean"),
        ("ssim", "clean"),
    ]
