"""The shipped denoiser of photographs is at least as good as it must be, by its manifest's figures.

The marks are those that the shipped version reaches; a better version raises them.
"""

from pathlib import Path

import pytest

from service.inference.loader import newest
from service.manifest import Manifest
from training.photo.cases.grid import BLURS, CORRELATIONS

ROOT = Path(__file__).parents[2]
MANIFEST = Manifest.read(newest(ROOT / "models")["photo"])
KODAK = "24 images of kodak24, the middle 500 x 500 pixels of each"
VALIDATION = "41 images of validation, the middle 500 x 500 pixels of each"
CAMERAS = "38 pairs of cameras"
GRAY = "4 flat gray images of 512 x 512 pixels"
BLOCKS = "white noise of sigma 25, blocks against the {} ones"
LEAST = {
    (KODAK, "psnr", "clean", "model"): 55.4,
    (KODAK, "worst psnr", "clean", "model"): 44.1,
    (VALIDATION, "psnr", "clean", "model"): 57.7,
    (VALIDATION, "worst psnr", "clean", "model"): 46.5,
    (KODAK, "psnr", "white noise of sigma 15", "model"): 34.1,
    (KODAK, "psnr", "white noise of sigma 25", "model"): 31.6,
    (KODAK, "psnr", "white noise of sigma 50", "model"): 28.4,
    (CAMERAS, "psnr", "noise of real cameras", "model"): 39.0,
    (CAMERAS, "psnr", "noise of real cameras", "model, told sigma 6"): 39.08,
    (CAMERAS, "psnr", "noise of real cameras", "model, told sigma"): 39.0,
}
"""By images, quantity, condition and method."""
MOST = {
    (GRAY, "rms", "white noise of sigma 50, inside", "model"): 2.1,
    (GRAY, "rms", "white noise of sigma 50, the outer 8 pixels", "model"): 3.0,
    (KODAK, "mean shift", BLOCKS.format("noisy"), "model"): 0.75,
    (KODAK, "mean shift", BLOCKS.format("clean"), "model"): 0.42,
}
LEAST_GAIN: dict[str, float] = {
    "camera noise, low ISO (800)": -2.6,
    "camera noise, middle ISO": 3.0,
    "camera noise, high ISO": 5.4,
    "film grain of sigma 15, blur 0.7": 5.1,
    "impulse noise, 2% of the pixels": 12.3,
    "impulse noise, 2% of the values": 12.4,
    "JPEG of quality 20": 1.1,
    "JPEG of quality 40": 1.05,
    "JPEG of quality 60": 1.0,
}
"""In dB over the noisy images, by condition; on KODAK."""
FURTHEST_BEHIND = {
    "camera noise, low ISO (800)": 2.0,
    "camera noise, middle ISO": 0.12,
    "camera noise, high ISO": 0.14,
}
"""In dB behind the model told the truth, by condition; on KODAK. At ISO 800 the clean images
are JPEG files, and it removes what JPEG has changed too."""
FIGURES: dict[tuple[str, str, str, str], float] = {
    (each.data, each.quantity, each.condition, each.method): each.value
    for each in MANIFEST.measurements
}


@pytest.mark.parametrize("mark", LEAST, ids=" ".join)
def test_it_restores_at_least_so_well(mark: tuple[str, str, str, str]) -> None:
    assert FIGURES[mark] >= LEAST[mark]


@pytest.mark.parametrize("mark", MOST, ids=" ".join)
def test_it_errs_at_most_so_much(mark: tuple[str, str, str, str]) -> None:
    assert FIGURES[mark] <= MOST[mark]


@pytest.mark.parametrize("condition", LEAST_GAIN)
def test_it_gains_at_least_so_much_blind(condition: str) -> None:
    before, after = (
        FIGURES[KODAK, "psnr", condition, method] for method in ("corrupted input", "model")
    )
    assert after - before >= LEAST_GAIN[condition]


@pytest.mark.parametrize("condition", FURTHEST_BEHIND)
def test_blind_it_is_at_most_so_far_behind_being_told(condition: str) -> None:
    blind, told = (
        FIGURES[KODAK, "psnr", condition, method] for method in ("model", "model, told sigma")
    )
    assert told - blind <= FURTHEST_BEHIND[condition]


def test_blind_it_is_nearly_as_good_as_with_the_best_constant_noise_level() -> None:
    """Of correlated noise, for each blur and each correlation of the channels."""
    images = "41 images of validation"
    told = "model, told the best constant sigma"
    cells = [cell for cell in FIGURES if cell[:2] == (images, "psnr") and cell[3] == told]
    assert len(cells) == len(BLURS) * len(CORRELATIONS)
    behind = {cell[2]: FIGURES[cell] - FIGURES[(*cell[:3], "model")] for cell in cells}
    assert max(behind.values()) <= 0.23, behind
