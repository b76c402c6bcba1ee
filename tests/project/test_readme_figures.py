"""The figures in the README are those of the manifests."""

import re
from pathlib import Path

import pytest

from service.inference.loading import newest
from service.manifest import Manifest, Measurement

ROOT = Path(__file__).parents[2]
MANIFESTS = {name: Manifest.read(folder) for name, folder in newest(ROOT / "models").items()}
README = (ROOT / "README.md").read_text()
THUMBNAILS = [name for name in MANIFESTS if name != "photo"]
SKIMAGE = ("non-local means", "total variation", "wavelets")


def cells(start: str, page: str = README) -> list[str]:
    """The cells of the one row of a page's tables that starts with a text."""
    (row,) = re.findall(rf"^\| {re.escape(start)} \|.*$", page, re.MULTILINE)
    return [cell.strip(" *") for cell in row.strip("|").split("|")]


def figures(manifest: Manifest, quantity: str, condition: str) -> dict[str, Measurement]:
    """Figures of one quantity, by method, on test images, or on validation images for MSE."""
    images = "validation images" if quantity == "mse" else "test images"
    return {
        each.method: each
        for each in manifest.measurements
        if (each.quantity, each.condition) == (quantity, condition) and each.data.endswith(images)
    }


@pytest.mark.parametrize("name", THUMBNAILS)
def test_the_table_of_models_shows_the_figures_of_the_manifest(name: str) -> None:
    manifest = MANIFESTS[name]
    error, psnr, ssim = (
        figures(manifest, quantity, "clean")["model"].value for quantity in ("mse", "psnr", "ssim")
    )
    assert cells(f"`{name}`")[-3:] == [f"{error:.4f}", f"{psnr:.2f}", f"{ssim:.3f}"]


@pytest.mark.parametrize(
    ("row", "condition"),
    [
        ("half the pixels dead", "50% of the pixels dead"),
        ("Gaussian 0.1", "gaussian noise of 0.1"),
        ("Gaussian 0.2", "gaussian noise of 0.2"),
        ("Gaussian 0.4", "gaussian noise of 0.4"),
    ],
)
def test_the_table_of_noises_shows_the_figures_of_the_manifests(row: str, condition: str) -> None:
    dropout, gaussian = (
        figures(MANIFESTS[name], "psnr", condition)
        for name in ("denoising-dropout", "denoising-gaussian")
    )
    expected = [
        dropout["corrupted input"].value,
        dropout["linear filter"].value,
        max(dropout[method].value for method in SKIMAGE),
        dropout["model"].value,
        gaussian["model"].value,
    ]
    assert cells(row)[1:] == [f"{value:.2f}" for value in expected]
