"""The noise of photographs is as it is described, and batches depend on seed and number alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from training.datasets.photos import Folder, decode
from training.photo import batches as batching
from training.photo import noise
from training.photo.batches import Batch, Batches, spoil, spoiled_by
from training.photo.noise import MIX, UNKNOWN, Kind

GREY = np.full((64, 64, 3), 0.5, np.float32)
KINDS = [pytest.param(kind, id=kind.name) for kind in MIX]


def test_the_shares_of_the_mix_are_all_patches() -> None:
    assert sum(kind.share for kind in MIX) == pytest.approx(1)


@pytest.mark.parametrize("kind", KINDS)
def test_noise_has_no_colour_of_its_own(kind: Kind) -> None:
    means = []
    for seed in range(20):
        noisy = kind.corrupt(GREY, np.random.default_rng(seed))
        assert noisy.shape == GREY.shape
        assert noisy.dtype == np.float32
        means.append(np.mean(noisy - GREY))
    # Blotches of a few pixels do not average out in a patch; a cast would be in all of them.
    assert abs(np.mean(means)) < 0.004


def test_none_leaves_patches_clean_and_every_other_kind_does_not() -> None:
    for kind in MIX:
        noisy = kind.corrupt(GREY, np.random.default_rng(0))
        assert np.array_equal(noisy, GREY) == (kind.name == "none")


@pytest.mark.parametrize(("kind", "most"), [(noise.white, 55), (noise.smeared, 40)])
def test_sigma_reaches_as_far_as_is_said(kind: noise.Corrupt, most: float) -> None:
    sigmas = [255 * np.std(kind(GREY, np.random.default_rng(seed)) - GREY) for seed in range(100)]
    assert 0.8 * most < max(sigmas) < 1.03 * most
    assert min(sigmas) < 0.1 * most


def test_noise_of_a_camera_is_alike_in_neighbours_and_grows_with_the_light() -> None:
    shaded = np.repeat(np.linspace(0.2, 0.8, 64, dtype=np.float32)[:, None, None], 64, 1)
    shaded = np.repeat(shaded, 3, 2)

    def correlation(corrupt: noise.Corrupt) -> float:
        added = [corrupt(shaded, np.random.default_rng(seed)) - shaded for seed in range(5)]
        return float(
            np.mean([np.corrcoef(a[:, 1:].ravel(), a[:, :-1].ravel())[0, 1] for a in added])
        )

    assert correlation(noise.camera) > 0.3
    assert abs(correlation(noise.white)) < 0.05
    light = noise.sensor(shaded, np.random.default_rng(1)) ** noise.GAMMA - shaded**noise.GAMMA
    assert light[48:].std() > 1.2 * light[:16].std()


def test_demosaicing_leaves_a_slope_as_it_is_and_makes_colours_alike() -> None:
    slope = np.add.outer(np.arange(40), 2 * np.arange(40)).astype(np.float32)[..., None]
    added = np.random.default_rng(0).standard_normal((40, 40, 3)).astype(np.float32)
    alike = []
    for seed in range(30):
        result = noise._demosaiced(slope.repeat(3, 2), np.random.default_rng(seed))
        np.testing.assert_allclose(result[4:-4, 4:-4], slope.repeat(3, 2)[4:-4, 4:-4], atol=1e-3)
        red, green, _ = noise._demosaiced(added, np.random.default_rng(seed)).reshape(-1, 3).T
        alike.append(np.corrcoef(red, green)[0, 1])
    # By bilinear interpolation, as of a third, red and green have nothing in common.
    assert sum(abs(each) < 0.1 for each in alike) >= 4
    assert max(alike) > 0.5


@pytest.mark.parametrize("kind", KINDS)
def test_the_sigma_that_is_told_is_that_of_what_was_added(kind: Kind) -> None:
    compared = 0
    for seed in range(40):
        noisy, sigma, clean = spoiled_by(replace(kind, jpeg=0.0), GREY, np.random.default_rng(seed))
        if noisy.min() > 0 and noisy.max() < 1:  # what was added has not been clipped
            compared += 1
            assert 255 * np.std(noisy - clean) == pytest.approx(sigma, abs=0.5)  # but rounded
    assert compared > 5


def test_sigma_is_told_of_half_of_the_patches() -> None:
    told = [spoil(GREY, np.random.default_rng(seed))[1] != UNKNOWN for seed in range(100)]
    assert 35 < sum(told) < 65


@pytest.fixture(scope="module")
def batches(photographs: Folder, tmp_path_factory: pytest.TempPathFactory) -> Batches:
    file = tmp_path_factory.mktemp("decoded") / "photos.bin"
    return Batches(decode(photographs, file, at_least=64), 32, 8, seed=5, wide_from=3)


def equal(one: Batch, other: Batch) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("noisy", "sigma", "clean")
    )


def test_a_batch_is_a_function_of_seed_and_number(batches: Batches, tmp_path: Path) -> None:
    arrays = batches.photos.arrays()
    narrow = Batches(batches.photos, 32, 8, seed=5)
    assert equal(batches.draw(2, arrays), narrow.draw(2, arrays))
    assert not equal(batches.draw(2, arrays), batches.draw(1, arrays))
    other = Batches(batches.photos, 32, 8, seed=6)
    assert not equal(batches.draw(2, arrays), other.draw(2, arrays))


def test_batches_are_of_wide_patches_from_a_number_on(batches: Batches) -> None:
    arrays = batches.photos.arrays()
    for number, shape in ((2, (8, 32, 32, 3)), (3, (4, 64, 64, 3))):
        batch = batches.draw(number, arrays)
        assert batch.noisy.shape == batch.clean.shape == shape
        assert batch.sigma.shape == shape[:1]
        assert 0 <= batch.clean.min() <= batch.clean.max() <= 1


def test_a_stream_gives_the_batches_in_order_from_any_of_them_on(batches: Batches) -> None:
    arrays = batches.photos.arrays()
    received = list(batches.stream(1, 5, workers=2))
    assert len(received) == 4
    for number, batch in enumerate(received, 1):
        assert equal(batch, batches.draw(number, arrays))


def test_photographs_are_made_smaller_and_larger() -> None:
    random = np.random.default_rng(0)
    scales = [batching._scale(32, 512, random) for _ in range(500)]
    assert min(scales) < 0.4
    assert max(scales) > 1.9
    assert 0.25 < scales.count(1.0) / len(scales) < 0.45
    # No smaller than the patch, whatever the photograph.
    assert min(batching._scale(32, 40, random) for _ in range(500)) >= 32 / 40


def test_sharpened_noise_has_more_of_the_finest_detail() -> None:
    random = np.random.default_rng(3)
    plain = np.random.default_rng(1).standard_normal((64, 64, 3)).astype(np.float32)
    results = [noise._sharpened(plain, random) for _ in range(20)]
    changed = [each for each in results if each is not plain]
    assert 4 <= len(changed) <= 16
    for each in changed:
        neighbours = np.corrcoef(each[:, 1:].ravel(), each[:, :-1].ravel())[0, 1]
        assert neighbours < 0.02
