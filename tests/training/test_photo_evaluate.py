"""Denoisers of photographs are measured on the noise that is said, as papers count it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from service.inference.loader import load
from service.manifest import Manifest, Measurement
from training import card
from training.autoencoders.photo import PhotoConfig
from training.cli import main
from training.datasets import photos
from training.datasets.photos import Folder, middle, open_image
from training.photo import camera_simulation, recipe
from training.photo.cases import white
from training.photo.cases.white import white as with_noise
from training.photo.classical import prepare
from training.photo.estimate.fit import EstimatorSettings
from training.photo.estimate.network import EstimatorConfig
from training.photo.evaluate import evaluate
from training.photo.settings import PhotoFitSettings
from training.scores import psnr, ssim

CONFIG = PhotoConfig((8, 8), (1, 1))
ESTIMATOR = EstimatorConfig(8, heads=2, hidden=16)
IMAGE = np.random.default_rng(3).integers(0, 256, (40, 30, 3), np.uint8)


def test_scores_are_means_over_the_images() -> None:
    grey = np.full((16, 16, 3), 100, np.uint8)
    received = [grey + np.uint8(1), grey + np.uint8(10)]
    each = [20 * np.log10(255 / error) for error in (1, 10)]
    assert psnr(received, [grey, grey]) == pytest.approx(np.mean(each))
    assert psnr([grey], [grey]) == 100
    assert ssim([IMAGE], [IMAGE]) == pytest.approx(1)
    assert ssim([IMAGE[::-1]], [IMAGE]) < 0.5


def test_demosaicing_gives_back_what_is_smooth() -> None:
    rows, columns = np.mgrid[:12, :14] / 14
    smooth = np.stack([rows, rows + columns, 1 - columns], axis=-1)
    mosaic = np.empty((12, 14))
    mosaic[::2, ::2], mosaic[1::2, 1::2] = smooth[::2, ::2, 0], smooth[1::2, 1::2, 2]
    mosaic[::2, 1::2], mosaic[1::2, ::2] = smooth[::2, 1::2, 1], smooth[1::2, ::2, 1]
    inside = (slice(2, -2), slice(2, -2))
    np.testing.assert_allclose(
        camera_simulation.demosaic(mosaic)[inside], smooth[inside], atol=1e-12
    )


def test_a_camera_adds_noise_that_grows_with_its_sensitivity() -> None:
    grey = np.full((64, 64, 3), 120, np.uint8)
    clean = camera_simulation.photograph(grey, None, index=0)
    assert np.abs(clean.astype(int) - grey).max() <= 2  # JPEG
    errors = [
        np.std(camera_simulation.photograph(grey, each, index=0).astype(float) - clean)
        for each in camera_simulation.SENSITIVITIES
    ]
    assert 0.3 < errors[0] < errors[1] / 2 < errors[2] / 3
    first, second = (
        camera_simulation.photograph(grey, camera_simulation.SENSITIVITIES[0], index=index)
        for index in (0, 1)
    )
    assert not np.array_equal(first, second)


def test_every_denoiser_that_is_installed_improves_and_the_others_are_named() -> None:
    smooth = np.full((64, 64, 3), 120, np.uint8)
    smooth[20:40, 10:50] = 60
    case = white.case([smooth], 25)
    announced: list[str] = []
    names = []
    for name, restore in prepare(case, announced.append):
        names.append(name)
        restored = restore(case.noisy[0], case.sigma[0])
        assert psnr([restored], case.clean) > psnr(case.noisy, case.clean) + 3
    assert "scikit-image non-local means, told sigma" in names
    assert len(names) + len(announced) == 3
    assert all(text.startswith("left out: ") for text in announced)


@pytest.fixture(scope="module")
def workplace(eager: None, photographs: Folder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs/ and models/ of a tiny network, trained for a moment and exported."""
    root = tmp_path_factory.mktemp("workplace")
    settings = PhotoFitSettings(
        pixels=4 * 32**2, sizes=(32,), shares=(1.0,), warmup=1, validate_every=1
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipe, "CONFIG", CONFIG)
        patch.setattr(recipe, "FIT", settings)
        patch.setattr(recipe, "ESTIMATOR", ESTIMATOR)
        patch.setattr(recipe, "ESTIMATOR_FIT", EstimatorSettings(pixels=9999, validate_every=1))
        runs = ["--runs", str(root / "runs")]
        data = ["--photos", str(photographs.root), "--licence", "CC0"]
        main(["train", "photo", "photo-estimator", "--steps", "3", "--seed", "7", *data, *runs])
        main(["export", "photo", "--models", str(root / "models"), *runs])
    return root


@pytest.fixture(scope="module")
def clean(photographs: Folder, tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """Two images of 53 x 50 and 57 x 50 pixels to measure on."""
    root = tmp_path_factory.mktemp("clean")
    for path, width in zip(photographs.paths, (53, 57), strict=False):
        Image.fromarray(open_image(path)[100:150, 80 : 80 + width]).save(root / path.name)
    return photos.folder(root)


@pytest.mark.slow
def test_the_manifest_says_how_to_train_the_denoiser_again(
    workplace: Path, photographs: Folder
) -> None:
    provenance = Manifest.read(workplace / "models" / "photo" / "1").provenance
    assert provenance.command == (
        f"python -m training train photo --seed 7 --photos {photographs.root.name} --steps 3 && "
        "python -m training train photo-estimator --seed 7 "
        f"--photos {photographs.root.name} --steps 3"
    )
    assert (provenance.dataset, provenance.dataset_licence) == ("3 photographs", "CC0")
    assert {"python", "keras", "tf2onnx"} <= set(provenance.versions)


@pytest.mark.slow
def test_the_manifest_says_what_the_export_is_told_of_the_training(
    workplace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipe, "CONFIG", CONFIG)
    monkeypatch.setattr(recipe, "ESTIMATOR", ESTIMATOR)
    said = ["--dataset", "Four pictures, drawn at random", "--note", "on two processors"]
    sources = tmp_path / "photographs.tsv"
    sources.write_text("file\tauthor\tlicence\na.png\tMorgan\tCC0-1.0\n")
    said += ["--sources", str(sources)]
    main(["export", "photo", "--runs", str(workplace / "runs"), "--models", str(tmp_path), *said])
    provenance = Manifest.read(tmp_path / "photo" / "1").provenance
    assert provenance.dataset == "Four pictures, drawn at random"
    assert provenance.settings.startswith(
        "U-Net of 8 channels x 1 blocks, 8 channels x 1 blocks, 4x4 kernels at both ends, "
        "leaky ReLU of a slope of 0.1; "
    )
    assert ". Estimator of the noise: local spectra at 3 scales, 8 channels" in provenance.settings
    assert provenance.settings.endswith("; float32 by Keras on tensorflow; on two processors")
    kept = ["--denoiser", str(tmp_path / "photo" / "1"), "--version", "2"]
    main(["export", "photo", "--runs", str(workplace / "runs"), "--models", str(tmp_path), *kept])
    versions = [load(tmp_path / "photo" / number) for number in ("1", "2")]
    first, second = (each.manifest.operations["denoise"] for each in versions)
    assert first == second
    for number in ("1", "2"):
        table = tmp_path / "photo" / number / "SOURCES.tsv"
        assert table.read_bytes() == sources.read_bytes()
    with pytest.raises(SystemExit, match="names: expected photo, photo-estimator is exported"):
        main(["export", "photo-estimator", "--models", str(tmp_path), "--version", "3"])


def value(manifest: Manifest, *wanted: str) -> float:
    (found,) = (
        each.value
        for each in manifest.measurements
        if (each.quantity, each.condition, each.method) == wanted
    )
    return found


def sorted_figures(of: Manifest) -> list[Measurement]:
    return sorted(of.measurements, key=lambda each: each.model_dump_json())


@pytest.mark.slow
def test_figures_are_of_what_is_served_and_written_beside_it(
    workplace: Path, clean: Folder
) -> None:
    folder = workplace / "models" / "photo" / "1"
    said: list[str] = []
    manifest = evaluate(folder, clean, sigmas=(15.0,), announce=said.append)
    assert Manifest.read(folder) == manifest
    assert (folder / card.FILE_NAME).read_text() == card.render(manifest)
    denoiser, images = load(folder).photographs(), [open_image(path) for path in clean.paths]
    noisy = [with_noise(image, 15, index=index) for index, image in enumerate(images)]
    condition = "white noise of sigma 15"
    for method, restored in {
        "corrupted input": noisy,
        "model": [denoiser.denoise_now(each).output for each in noisy],
        "model, told sigma": [denoiser.denoise_now(each, sigma=15).output for each in noisy],
    }.items():
        assert value(manifest, "psnr", condition, method) == pytest.approx(psnr(restored, images))
        assert value(manifest, "ssim", condition, method) == pytest.approx(
            ssim(restored, images), abs=1e-6
        )
    assert value(manifest, "psnr", "clean", "model") == pytest.approx(
        psnr([denoiser.denoise_now(each).output for each in images], images)
    )
    means = "scikit-image non-local means, told sigma"
    assert value(manifest, "psnr", condition, means) > value(
        manifest, "psnr", condition, "corrupted input"
    )


@pytest.mark.slow
def test_what_other_denoisers_do_is_kept_for_the_same_images(
    workplace: Path, clean: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = workplace / "models" / "photo" / "1"

    def again(images: Folder, *, crop: bool = False) -> Manifest:
        return evaluate(
            folder, images, sigmas=(15.0,), crop=crop, compare=False, announce=lambda _: None
        )

    before = Manifest.read(folder)
    assert sorted_figures(again(clean)) == sorted_figures(before)
    monkeypatch.setattr("training.photo.evaluate.CROP", 40)
    cropped = again(clean, crop=True)
    name = clean.root.name
    assert {each.data for each in cropped.measurements} == {
        f"2 images of {name}, the middle 40 x 40 pixels of each",
        "4 flat gray images of 512 x 512 pixels",
    }
    assert {each.method for each in cropped.measurements} == {
        "corrupted input", "model", "model, told sigma"
    }  # fmt: skip
    images = [middle(open_image(path), 40) for path in clean.paths]
    noisy = [with_noise(image, 15, index=index) for index, image in enumerate(images)]
    assert value(cropped, "psnr", "white noise of sigma 15", "corrupted input") == pytest.approx(
        psnr(noisy, images)
    )


def test_to_measure_to_draw_and_to_make_batches_takes_no_keras() -> None:
    program = """
import sys
import training.cli, training.photo.evaluate, training.photo.figures
import training.photo.batches, training.photo.estimate.samples, training.photo.stream
assert not {"keras", "tensorflow", "torch", "jax"} & sys.modules.keys()
"""
    subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[2], check=True)


@pytest.mark.slow
def test_the_noise_and_what_is_left_of_it_are_drawn(workplace: Path, photographs: Folder) -> None:
    out, models = workplace / "figures", str(workplace / "models")
    shown = ["--photos", str(photographs.root), "--out", str(out)]
    main(["figures", "--models", models, *shown])
    drawn = {path.name: open_image(path) for path in out.iterdir()}
    assert set(drawn) == {"photo-noise.jpg", "photo-denoised.jpg"}
    assert all(each.std() > 20 for each in drawn.values())
    noise = drawn["photo-noise.jpg"][20:160, 10:150], drawn["photo-noise.jpg"][344:484, 10:150]
    assert np.abs(noise[0].astype(float) - noise[1]).mean() > 2


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["train", "photo"], "--photos: expected a folder of photographs"),
        (["train", "photo", "stacked", "--photos", "."], "expected photo alone"),
        (["train", "photo", "--photos", ".", "--epochs", "2"], "--epochs: expected no such"),
        (["train", "stacked", "--steps", "2"], "--steps: expected no such option for stacked"),
        (["export", "stacked", "--note", "x"], "--note: expected no such option for stacked"),
        (["train", "photo", "--photos", "nowhere"], "expected a folder with images"),
        (["export", "photo", "--version", "9", "--runs", "nowhere"], "train photo --photos DIR"),
    ],
)
def test_options_that_do_not_fit_end_with_a_word_on_them(arguments: list[str], text: str) -> None:
    with pytest.raises(SystemExit, match=text):
        main(arguments)


@pytest.mark.slow
def test_a_denoiser_of_photographs_is_not_measured_on_anything_else(workplace: Path) -> None:
    models = ["--models", str(workplace / "models")]
    with pytest.raises(SystemExit, match="--photos: expected a folder of photographs"):
        main(["evaluate", "photo", *models])
    main(["evaluate", "all", *models])  # nothing there is of Fashion-MNIST
