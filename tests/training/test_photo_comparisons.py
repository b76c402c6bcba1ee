"""Figures of other denoisers hold for later versions where the noisy images are the same."""

from pathlib import Path

import pytest

from service.manifest import Manifest, Measurement
from tests.service.tiny import write_model
from training.photo.comparisons import earlier

MEANS, BM3D = "scikit-image non-local means, told sigma", "CBM3D, told sigma"


def figure(value: float, method: str, condition: str = "white noise of sigma 15") -> Measurement:
    return Measurement(
        quantity="psnr",
        data="2 images",
        condition=condition,
        method=method,
        value=value,
        unit="dB",
    )


def write(folder: Path, *figures: Measurement) -> None:
    manifest = Manifest.read(folder)
    manifest.model_copy(update={"measurements": figures}).write(folder)


@pytest.fixture
def versions(tmp_path: Path) -> dict[int, Path]:
    """Two versions of a model, and a folder for a third."""
    for version in (1, 2):
        write_model(tmp_path, "photo", version=version)
    return {version: tmp_path / "photo" / str(version) for version in (1, 2, 3)}


def test_the_newest_figure_of_the_same_noisy_images_is_kept(versions: dict[int, Path]) -> None:
    write(
        versions[1],
        figure(24.75, "corrupted input"),
        figure(30.0, MEANS),
        figure(34.0, BM3D),
        figure(33.0, "model"),
    )
    write(versions[2], figure(24.75, "corrupted input"), figure(31.0, MEANS))
    measured = [figure(24.75, "corrupted input"), figure(35.0, "model")]
    for newest in (2, 3):
        kept = {each.method: each.value for each in earlier(versions[newest], measured)}
        assert kept == {MEANS: 31.0, BM3D: 34.0}
    assert {each.value for each in earlier(versions[1], measured)} == {30.0, 34.0}


def test_figures_of_other_noise_are_dropped(versions: dict[int, Path]) -> None:
    """Its name may be the same: a camera that is simulated in another way, say."""
    write(versions[1], figure(24.75, "corrupted input"), figure(30.0, MEANS))
    assert not earlier(versions[2], [figure(24.76, "corrupted input")])
    assert not earlier(versions[2], [figure(24.75, "corrupted input", "camera noise")])
    assert not earlier(versions[2], [figure(24.75, "model")])
