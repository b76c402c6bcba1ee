"""The figures in the README are those of the manifests."""

import re
from pathlib import Path

import pytest

from service.inference.loader import newest
from service.manifest import Manifest, Measurement

ROOT = Path(__file__).parents[2]
MANIFESTS = {name: Manifest.read(folder) for name, folder in newest(ROOT / "models").items()}
README = (ROOT / "README.md").read_text()
THUMBNAILS = [name for name in MANIFESTS if name != "photo"]
OTHERS = (
    "corrupted input",
    "OpenCV non-local means, tuned with the truth",
    "scikit-image non-local means, told sigma",
    "CBM3D, told sigma",
)
SKIMAGE = ("non-local means", "total variation", "wavelets")


def cells(start: str, page: str = README) -> list[str]:
    """The cells of the only table row of a page with a given first cell."""
    (row,) = re.findall(rf"^\| {re.escape(start)} \|.*$", page, re.MULTILINE)
    return [cell.strip(" *") for cell in row.strip("|").split("|")]


def figures(manifest: Manifest, quantity: str, condition: str) -> dict[str, Measurement]:
    """Measurements of a quantity by method: on validation images for MSE, else on test images."""
    images = "validation images" if quantity == "mse" else "test images"
    kodak = "kodak24, the middle 500 x 500 pixels of each"
    return {
        each.method: each
        for each in manifest.measurements
        if (each.quantity, each.condition) == (quantity, condition)
        and each.data.endswith((images, kodak))
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
    dropout, gaussian, convolutional = (
        figures(MANIFESTS[name], "psnr", condition)
        for name in ("denoising-dropout", "denoising-gaussian", "denoising-convolutional")
    )
    expected = [
        dropout["corrupted input"].value,
        dropout["linear filter"].value,
        max(dropout[method].value for method in SKIMAGE),
        dropout["model"].value,
        gaussian["model"].value,
        convolutional["model"].value,
    ]
    assert cells(row)[1:] == [f"{value:.2f}" for value in expected]


@pytest.mark.parametrize(
    ("row", "condition"),
    [
        ("white, sigma 15", "white noise of sigma 15"),
        ("white, sigma 25", "white noise of sigma 25"),
        ("white, sigma 50", "white noise of sigma 50"),
        ("a camera's, ISO 800", "camera noise, low ISO (800)"),
        ("a camera's, middle ISO", "camera noise, middle ISO"),
        ("a camera's, high ISO", "camera noise, high ISO"),
        ("film grain, sigma 15", "film grain of sigma 15, blur 0.7"),
        ("impulses, 2 % of the pixels", "impulse noise, 2% of the pixels"),
        ("JPEG of quality 40", "JPEG of quality 40"),
    ],
)
@pytest.mark.parametrize("page", ["README.md", "docs/denoising.md"])
def test_the_table_of_photographs_shows_the_figures_of_the_manifest(
    page: str, row: str, condition: str
) -> None:
    found = {
        each.method: each.value
        for each in MANIFESTS["photo"].measurements
        if (each.quantity, each.condition) == ("psnr", condition)
    }
    expected = [found.get(method) for method in (*OTHERS, "model", "model, told sigma")]
    text = (ROOT / page).read_text()
    assert cells(row, text)[1:] == ["" if value is None else f"{value:.2f}" for value in expected]
    assert f"**{max(found.values()):.2f}**" in next(
        line for line in text.splitlines() if line.startswith(f"| {row} |")
    )
    clean = figures(MANIFESTS["photo"], "psnr", "clean")["model"]
    assert f"A clean photograph comes out with {clean.value:.1f} dB." in text
