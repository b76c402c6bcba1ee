"""What is measured of a denoiser is what it does to the cases, written as what it is."""

import math
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from service.inference.loader import load
from service.inference.tiling.denoise import Denoiser
from service.manifest import Manifest, Measurement
from tests.service.tiny import write_model
from training import card
from training.cli import main
from training.datasets import photos
from training.datasets.photos import Folder, Pixels
from training.photo import arguments, parts
from training.photo.cases import flat, grid, white
from training.photo.cases.case import Case
from training.photo.evaluate import evaluate
from training.photo.measures import constant_sigma, errors, estimates, fidelity
from training.photo.measures.bench import Bench
from training.scores import psnr, ssim

RANDOM = np.random.default_rng(5)
SMOOTH: list[Pixels] = [
    np.asarray(
        Image.fromarray(RANDOM.integers(40, 216, (4, 5, 3), np.uint8)).resize(
            (width, 48), Image.Resampling.BICUBIC
        )
    )
    for width in (40, 56)
]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiny models: "photo" blurs, the more, the higher sigma; "informed" adds what it estimates."""
    root = tmp_path_factory.mktemp("models")
    for kind in ("photo", "informed"):
        write_model(root, kind)
    return root


@pytest.fixture(scope="module")
def blurring(models: Path) -> Denoiser:
    return load(models / "photo" / "1").photographs()


@pytest.fixture(scope="module")
def estimating(models: Path) -> Denoiser:
    return load(models / "informed" / "1").photographs()


def bench(denoiser: Denoiser, said: list[str] | None = None) -> Bench:
    return Bench(denoiser, "two images", (said if said is not None else []).append)


def values(figures: list[Measurement]) -> dict[tuple[str, str], float]:
    """Values by quantity and method, of figures of one condition."""
    found: dict[tuple[str, str], float]
    found = {(each.quantity, each.method): each.value for each in figures}
    assert len(found) == len(figures)
    return found


def test_a_clean_image_is_measured_alone_and_the_worst_of_all(blurring: Denoiser) -> None:
    restored = [blurring.denoise_now(each).output for each in SMOOTH]
    each = [psnr([out], [clean]) for out, clean in zip(restored, SMOOTH, strict=True)]
    assert values(list(fidelity.clean(bench(blurring), SMOOTH, "clean"))) == {
        ("psnr", "model"): pytest.approx(np.mean(each), abs=1e-6),
        ("ssim", "model"): pytest.approx(ssim(restored, SMOOTH), abs=1e-6),
        ("worst psnr", "model"): pytest.approx(min(each), abs=1e-6),
    }
    assert each[0] != each[1]


def test_noisy_images_are_measured_blind_told_the_truth_and_told_one_sigma(
    blurring: Denoiser,
) -> None:
    case = Case("noise", SMOOTH, white.case(SMOOTH, 20).noisy, [10.0, 40.0])
    said: list[str] = []
    on = bench(blurring, said)
    found = values(
        [*fidelity.blind(on, case), *fidelity.told(on, case), *fidelity.told(on, case, 6)]
    )
    for method, sigmas in {
        "model": (None, None),
        "model, told sigma": (10, 40),
        "model, told sigma 6": (6, 6),
    }.items():
        restored = [
            blurring.denoise_now(noisy, sigma=sigma).output
            for noisy, sigma in zip(case.noisy, sigmas, strict=True)
        ]
        assert found["psnr", method] == pytest.approx(psnr(restored, SMOOTH), abs=1e-6)
    assert found["psnr", "corrupted input"] == pytest.approx(psnr(case.noisy, SMOOTH), abs=1e-6)
    assert len(found) == 8  # a model that estimates nothing has no estimate
    assert f"two images: noise: model: psnr {found['psnr', 'model']:.4f} dB" in said


def test_estimates_are_compared_with_the_true_noise_level(estimating: Denoiser) -> None:
    levels = (51, 102)  # of which the model estimates 20 and 40
    images = [np.full((32, 32, 3), level, np.uint8) for level in levels]
    case = Case("noise", images, images, [10.0, 80.0])
    results = bench(estimating).blind(case)
    found = values(list(estimates.estimates(bench(estimating), case, results)))
    assert found["estimate", "model"] == pytest.approx(math.sqrt(2 * 0.5), abs=1e-5)
    assert found["spread", "model"] == pytest.approx(2, abs=1e-5)
    clean = Case("clean", images, images, [0.0, 0.0])
    assert not list(estimates.estimates(bench(estimating), clean, results))


@pytest.mark.parametrize("best", constant_sigma.CANDIDATES)
def test_the_best_constant_is_found_wherever_it_is(best: float) -> None:
    tried: list[float] = []

    def quality(sigma: float) -> float:
        tried.append(sigma)
        return -abs(math.log(sigma / best))

    assert constant_sigma.best(quality) == (best, 0)
    assert len(tried) == len(set(tried))


def test_a_model_is_compared_with_itself_told_the_best_constant(blurring: Denoiser) -> None:
    case = next(grid.cases(SMOOTH))
    found = values(list(constant_sigma.against_constant(bench(blurring), case)))
    told = {
        sigma: psnr([blurring.denoise_now(each, sigma=sigma).output for each in case.noisy], SMOOTH)
        for sigma in constant_sigma.CANDIDATES
    }
    method = "model, told the best constant sigma"
    assert found["psnr", method] == pytest.approx(max(told.values()), abs=1e-6)
    assert found["sigma", method] == max(told, key=lambda each: told[each])
    assert {("psnr", "model"), ("psnr", "corrupted input")} < set(found)


def test_errors_on_plain_gray_are_told_apart_by_their_place(blurring: Denoiser) -> None:
    case = flat.case(side=40, number=2)
    inside, border = errors.plain(bench(blurring), case)
    off = np.stack([blurring.denoise_now(each).output.astype(float) - 128 for each in case.noisy])
    total = np.sum(off**2)
    kept = np.sum(off[:, 8:-8, 8:-8] ** 2)
    assert inside.value == pytest.approx(math.sqrt(kept / (2 * 24**2 * 3)), abs=1e-6)
    assert border.value == pytest.approx(
        math.sqrt((total - kept) / (2 * (40**2 - 24**2) * 3)), abs=1e-6
    )
    assert border.value != pytest.approx(inside.value, abs=0.01)
    assert (inside.quantity, inside.unit) == ("rms", "levels")
    assert border.condition == "white noise of sigma 50, the outer 8 pixels"


def test_blocks_are_compared_with_the_noisy_and_with_the_clean_ones(blurring: Denoiser) -> None:
    image = np.full((140, 70, 3), (120, 90, 60), np.uint8)
    noisy = image.copy()
    noisy[:64] += 2
    figures = list(errors.brightness(bench(blurring), Case("noise", [image], [noisy], [1.0])))
    output = blurring.denoise_now(noisy).output.astype(float)
    for origin, before in (("noisy", noisy), ("clean", image)):
        shifts = [
            np.abs(
                output[top : top + 64, :64].mean((0, 1)) - before[top : top + 64, :64].mean((0, 1))
            )
            for top in (0, 64)
        ]
        found = {
            each.quantity: each.value
            for each in figures
            if each.condition == f"noise, blocks against the {origin} ones"
        }
        assert found["mean shift"] == pytest.approx(np.mean(shifts), abs=1e-6)
        assert found["largest shift"] == pytest.approx(np.max(shifts), abs=1e-6)
        assert np.max(shifts) > np.mean(shifts)


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Folder]:
    """Two images to measure on, one for validation and a pair of a camera."""
    root = tmp_path_factory.mktemp("sets")
    names = {
        "kodak": ("a.png", "b.png"),
        "validation": ("c.png",),
        "cameras": ("d_mean.png", "d_real.png"),
    }
    for folder, files in names.items():
        (root / folder).mkdir()
        for index, file in enumerate(files):
            image = SMOOTH[index if folder == "kodak" else 0]
            if file == "d_real.png":
                image = white.white(image, 8, index=9)
            Image.fromarray(image).save(root / folder / file)
    return {folder: photos.folder(root / folder) for folder in names}


def test_every_part_is_measured_where_there_are_images_for_it(
    tmp_path: Path, sets: dict[str, Folder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flat, "case", partial(flat.case, side=32, number=1))
    folder = write_model(tmp_path, "photo")
    options = [
        "--photos", str(sets["kodak"].root), "--validation", str(sets["validation"].root),
        "--cameras", str(sets["cameras"].root), "--no-comparison",
    ]  # fmt: skip
    main(["evaluate", "photo", "--models", str(tmp_path), *options])
    manifest = Manifest.read(folder)
    assert (folder / card.FILE_NAME).read_text() == card.render(manifest)
    kodak, validation, cameras = "2 images of kodak", "1 images of validation", "1 pairs of cameras"
    found = {(each.data, each.condition) for each in manifest.measurements}
    assert {condition for data, condition in found if data == kodak} == {
        "clean",
        *(f"white noise of sigma {sigma}" for sigma in (15, 25, 50)),
        *(f"camera noise, {name}" for name in ("low ISO (800)", "middle ISO", "high ISO")),
        "film grain of sigma 15, blur 0.7",
        *(f"impulse noise, 2% of the {what}" for what in ("pixels", "values")),
        *(f"JPEG of quality {quality}" for quality in (20, 40, 60)),
        "white noise of sigma 25, blocks against the noisy ones",
        "white noise of sigma 25, blocks against the clean ones",
    }
    assert len([data for data, _ in found if data == validation]) == 1 + 12
    assert (cameras, "noise of real cameras") in found
    pair = {each.method for each in manifest.measurements if each.data == cameras}
    assert pair == {"corrupted input", "model", "model, told sigma", "model, told sigma 6"}
    assert len([data for data, _ in found if data == flat.DATA]) == 2
    text = card.render(manifest)
    assert f"| PSNR, {validation} | model | corrupted input | model, told the best constant" in text
    assert "No figure is of a real camera" not in text


def test_chosen_parts_leave_other_figures_as_they_were(
    tmp_path: Path, sets: dict[str, Folder]
) -> None:
    folder = write_model(tmp_path, "photo")
    said: list[str] = []

    def measure(*names: str) -> tuple[Measurement, ...]:
        return evaluate(
            folder, sets["kodak"], parts=names, sigmas=(15.0,), compare=False, announce=said.append
        ).measurements

    first = measure("clean", "impulse")
    both = measure("white")
    assert both[: len(first)] == first
    assert {each.condition for each in both[len(first) :]} == {"white noise of sigma 15"}
    assert sorted(map(str, measure("clean"))) == sorted(map(str, both))


def test_parts_without_images_and_unknown_ones_are_refused(
    tmp_path: Path, sets: dict[str, Folder]
) -> None:
    write_model(tmp_path, "photo")
    command = ["evaluate", "photo", "--models", str(tmp_path), "--photos", str(sets["kodak"].root)]
    with pytest.raises(SystemExit, match="--validation with grid: expected a folder"):
        main([*command, "--parts", "grid"])
    with pytest.raises(SystemExit, match="--cameras with pairs: expected a folder"):
        main([*command, "--parts", "clean,pairs"])
    with pytest.raises(SystemExit, match="2"):
        main([*command, "--parts", "rainbow"])
    with pytest.raises(ValueError, match=r"parts: expected some of clean, .*, received rainbow"):
        evaluate(tmp_path / "photo" / "1", sets["kodak"], parts=["rainbow"])
    assert tuple(parts.PARTS) == arguments.PARTS
