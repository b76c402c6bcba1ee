"""Noise is as it is described, and batches depend on seed, number and patch size alone."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from training.datasets.photos import Folder, decode
from training.photo import patches
from training.photo.batches import Batch, Batches
from training.photo.dead_leaves import dead_leaves
from training.photo.noise.correlated import correlated, film, sharpened
from training.photo.noise.demosaic import Interpolation, _interpolated, demosaiced, developed
from training.photo.noise.gaussian import white
from training.photo.noise.impulse import MOST, impulses
from training.photo.noise.jpeg import Writing, compression
from training.photo.noise.mix import MIX, Kind, nothing, sample_of
from training.photo.noise.profile import UNKNOWN_SIGMA, WHITE, profile, sigma_of
from training.photo.noise.resampling import resampled
from training.photo.noise.sensor import camera, sensor
from training.photo.noise.types import Floats, to_bytes, to_floats
from training.photo.plain import plain
from training.photo.stream import stream

GRAY = np.full((64, 64, 3), 0.5, np.float32)
RAMP = np.linspace(0.05, 0.95, 64, dtype=np.float32)[:, None, None].repeat(64, 1).repeat(3, 2)
KINDS = [pytest.param(kind, id=kind.name) for kind in MIX]


def draws(corrupt: Callable[..., Floats], clean: Floats, count: int) -> list[Floats]:
    return [corrupt(clean, np.random.default_rng(seed)) - clean for seed in range(count)]


def neighbours(noise: Floats) -> float:
    return float(np.corrcoef(noise[:, 1:].ravel(), noise[:, :-1].ravel())[0, 1])


def test_the_shares_of_the_mix_are_all_patches() -> None:
    assert sum(kind.share for kind in MIX) == pytest.approx(1)


@pytest.mark.parametrize("kind", KINDS)
def test_noise_has_no_colour_of_its_own(kind: Kind) -> None:
    means = []
    for noise in draws(kind.corrupt, GRAY, 20):
        assert noise.shape == GRAY.shape
        assert noise.dtype == np.float32
        means.append(noise.mean())
    # Blotches of a few pixels do not average out in a patch; a cast would be in all of them.
    assert abs(np.mean(means)) < 0.004


@pytest.mark.parametrize(("kind", "least", "most"), [(white, 0, 55), (correlated, 0.7, 45)])
def test_noise_levels_cover_the_documented_range(
    kind: Callable[..., Floats], least: float, most: float
) -> None:
    sigmas = [255 * noise.std() for noise in draws(kind, GRAY, 150)]
    assert 0.8 * most < max(sigmas) < 1.1 * most
    assert least * 0.9 <= min(sigmas) < 0.1 * most


def test_correlations_over_space_and_over_channels_come_in_all_pairs() -> None:
    found = set()
    for noise in draws(correlated, GRAY, 300):
        channels = np.corrcoef(noise[..., 0].ravel(), noise[..., 2].ravel())[0, 1]
        found.add((min(2, int(max(0, neighbours(noise)) * 3)), min(2, int(max(0, channels) * 3))))
    assert found == {(space, channel) for space in range(3) for channel in range(3)}


def test_film_grain_is_nearly_the_same_in_all_channels() -> None:
    for noise in draws(film, GRAY, 20):
        assert np.corrcoef(noise[..., 0].ravel(), noise[..., 1].ravel())[0, 1] > 0.8
        assert 1.8 < sigma_of(noise) < 33


def test_noise_of_a_camera_is_correlated_between_neighbours_and_depends_on_the_light() -> None:
    assert np.mean([neighbours(noise) for noise in draws(camera, GRAY, 20)]) > 0.3
    assert abs(np.mean([neighbours(noise) for noise in draws(white, GRAY, 20)])) < 0.02
    ratios = [noise[48:].std() / noise[:16].std() for noise in draws(sensor, RAMP, 30)]
    # Shot noise is nearly even after the tone curve, which lifts read noise in the shadows.
    assert min(ratios) < 0.5 < 0.9 < max(ratios) < 1.3


def test_ordinary_cameras_are_the_centre_of_the_sensor_noise() -> None:
    sigmas = [sigma_of(noise) for noise in draws(camera, GRAY, 200)]
    assert 1.2 < np.median(sigmas) < 6
    assert np.percentile(sigmas, 5) < 1
    assert np.percentile(sigmas, 95) > 6


def test_demosaicing_keeps_a_slope_and_makes_channels_alike() -> None:
    slope = np.add.outer(np.arange(40), 2 * np.arange(40)).astype(np.float32)[..., None]
    added = np.random.default_rng(0).standard_normal((40, 40, 3)).astype(np.float32)
    alike = []
    for seed in range(30):
        result = demosaiced(slope.repeat(3, 2), np.random.default_rng(seed))
        np.testing.assert_allclose(result[4:-4, 4:-4], slope.repeat(3, 2)[4:-4, 4:-4], atol=1e-3)
        red, green, _ = demosaiced(added, np.random.default_rng(seed)).reshape(-1, 3).T
        alike.append(np.corrcoef(red, green)[0, 1])
    # By bilinear interpolation, as a third of it is, red and green have nothing in common.
    assert sum(abs(each) < 0.1 for each in alike) >= 4
    assert max(alike) > 0.5


def test_a_developed_photograph_keeps_its_areas_and_has_false_colours_at_its_edges() -> None:
    stripes = np.zeros((48, 48, 3), np.float32)
    stripes[:, 24:36] = stripes[:, 36::2] = (0.9, 0.9, 0.9)
    colours = []
    for seed in range(30):
        result = developed(stripes, np.random.default_rng(seed))
        assert result.dtype == np.float32
        assert 0 <= result.min() < 0.1 < 0.8 < result.max() <= 1
        np.testing.assert_allclose(result[:, 4:18], 0, atol=1e-2)
        np.testing.assert_allclose(result[:, 29:31], 0.9, atol=0.05)
        colours.append(float(np.ptp(result[:, 38:46], axis=-1).max()))
    assert min(colours) < 0.5 < max(colours)


def test_what_demosaicing_does_to_a_photograph_is_no_noise() -> None:
    (none,) = (kind for kind in MIX if kind.corrupt is nothing and not kind.impulses)
    photograph = np.random.default_rng(0).random((32, 32, 3), np.float32)
    clean = replace(none, jpeg=0.0, developed=1.0)
    for seed in range(10):
        sample = sample_of(clean, photograph, np.random.default_rng(seed))
        assert sigma_of(sample.clean - photograph) > 10
        assert sigma_of(sample.noisy - sample.clean) < 0.5
        assert sample.sigma == 0


def test_resampled_noise_is_blurred_or_averaged() -> None:
    found = []
    for seed in range(20):
        random = np.random.default_rng(seed)
        noise = (
            resampled(
                lambda clean, own: clean + own.standard_normal(clean.shape, np.float32),
                GRAY,
                random,
            )
            - GRAY
        )
        found.append((neighbours(noise), float(noise.std())))
    assert max(correlation for correlation, _ in found) > 0.3
    assert min(level for _, level in found) < 0.7


def test_impulses_replace_at_most_their_share_of_the_numbers_and_leave_the_others() -> None:
    for seed in range(30):
        noisy = impulses(GRAY, np.random.default_rng(seed))
        assert (noisy != GRAY).mean() < 5.5 * MOST  # a cross has five pixels
        assert 0 <= noisy.min() <= noisy.max() <= 1
    assert max((impulses(GRAY, np.random.default_rng(s)) != GRAY).mean() for s in range(30)) > 0.01


def test_jpeg_has_blocks_of_many_strengths() -> None:
    grain = np.random.default_rng(0).standard_normal(GRAY.shape, np.float32)
    textured = to_floats(to_bytes(GRAY + np.float32(0.05) * grain))
    errors = [
        sigma_of(compression(np.random.default_rng(seed)).read_back(textured) - textured)
        for seed in range(40)
    ]
    assert 3 * min(errors) < max(errors)


@pytest.mark.parametrize("subsampling", [0, 1, 2], ids=["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("shift", [(0, 0), (3, 5)])
def test_the_colour_that_jpeg_loses_is_known(subsampling: int, shift: tuple[int, int]) -> None:
    """At the highest quality nothing else is lost, of saturated colours, too."""
    random = np.random.default_rng(0)
    mild = random.uniform(0.3, 0.7, (64, 64, 3)).astype(np.float32)
    saturated = random.integers(0, 2, (16, 16, 3)).repeat(4, 0).repeat(4, 1).astype(np.float32)
    file = Writing(shift, subsampling, {"quality": 100})
    for coloured in (mild, saturated):
        read = to_floats(file.read_back(to_bytes(coloured)))
        assert sigma_of(read - file.with_subsampled_chroma(coloured)) < 1
        assert (sigma_of(read - coloured) > 10) is (subsampling > 0)


def test_colour_that_jpeg_loses_is_no_noise() -> None:
    (none,) = (kind for kind in MIX if kind.corrupt is nothing and not kind.impulses)
    written = replace(none, jpeg=1.0, developed=0)
    coloured = np.random.default_rng(0).uniform(0.3, 0.7, (64, 64, 3)).astype(np.float32)
    shares = []
    for seed in range(40):
        sample = sample_of(written, coloured, np.random.default_rng(seed))
        assert sample.added == 0
        shares.append(sample.sigma / sigma_of(sample.noisy - sample.clean))
    assert min(shares) < 0.5
    assert max(shares) == pytest.approx(1)  # of 4:4:4, which loses none


def test_green_follows_the_smoother_direction() -> None:
    """Beside a vertical edge of gray it is taken along the column, and has no false colour."""
    edge = np.zeros((32, 32, 3), np.float32)
    edge[:, 16:] = 0.8
    blind, directed = (
        _interpolated(edge, np.array([0, 0]), Interpolation(1, 1, is_directed=each))
        for each in (False, True)
    )
    assert np.ptp(blind, axis=-1).max() > 0.1
    assert np.ptp(directed, axis=-1).max() < 1e-6


def test_a_profile_describes_colour_neighbours_and_brightness() -> None:
    random = np.random.default_rng(0)
    plain = random.standard_normal((96, 96, 3)).astype(np.float32) * np.float32(0.05)
    light = np.linspace(0, 1, 96, dtype=np.float32)[:, None, None].repeat(96, 1).repeat(3, 2)
    np.testing.assert_allclose(profile(plain, light), WHITE, atol=0.06)
    shared = plain[..., :1].repeat(3, -1)
    assert profile(shared, light)[0] == pytest.approx(0, abs=0.01)
    opposed = plain - plain.mean(-1, keepdims=True)
    assert profile(opposed, light)[0] == pytest.approx(1.5, abs=0.01)
    assert profile(plain.repeat(2, 0).repeat(2, 1)[:96, :96], light)[1] == pytest.approx(
        0.75, abs=0.03
    )
    dark = plain * np.where(light < 1 / 3, np.float32(4), np.float32(1))
    shadows, middle, highlights = profile(dark, light)[2:]
    assert shadows - middle == pytest.approx(2, abs=0.1)  # four times as strong, in octaves
    assert middle == pytest.approx(highlights, abs=0.1)
    np.testing.assert_array_equal(profile(np.zeros_like(plain), light), WHITE)
    # Where there are no shadows, they are described as what is nearest to them.
    assert len(set(profile(plain, np.full_like(plain, 0.5))[2:])) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_sigma_is_that_of_what_was_added(kind: Kind) -> None:
    compared = 0
    plain = replace(kind, jpeg=0.0, impulses=0.0)
    for seed in range(40):
        sample = sample_of(plain, GRAY, np.random.default_rng(seed))
        if sample.noisy.min() > 0 and sample.noisy.max() < 1:  # nothing was clipped
            compared += 1
            noise = sample.noisy - sample.clean
            assert sigma_of(noise) == pytest.approx(sample.sigma, abs=0.51)  # rounded to 8 bits
    assert compared > 5


def test_impulses_do_not_count_as_noise_level() -> None:
    (kind,) = (kind for kind in MIX if kind.name == "impulse")
    for seed in range(10):
        sample = sample_of(replace(kind, jpeg=0.0), GRAY, np.random.default_rng(seed))
        assert sample.sigma < 0.01
        assert not np.array_equal(sample.noisy, sample.clean)


@pytest.fixture(scope="module")
def batches(photographs: Folder, tmp_path_factory: pytest.TempPathFactory) -> Batches:
    file = tmp_path_factory.mktemp("decoded") / "photos.bin"
    photos = decode(photographs, file, at_least=64)
    leaves = [dead_leaves(photos.arrays(), seed=seed, size=96) for seed in range(3)]
    return Batches(photos.extended(leaves), 3, 8 * 32**2, seed=5)


def equal(one: Batch, other: Batch) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("noisy", "sigma", "profile", "clean")
    )


def test_a_batch_is_a_function_of_seed_number_and_size(batches: Batches) -> None:
    arrays = batches.photos.arrays()
    assert equal(batches.draw(2, 32, arrays), batches.draw(2, 32, arrays))
    assert not equal(batches.draw(2, 32, arrays), batches.draw(1, 32, arrays))
    other = replace(batches, seed=6)
    assert not equal(batches.draw(2, 32, arrays), other.draw(2, 32, arrays))


def test_batches_have_the_same_pixels_whatever_the_patch_size(batches: Batches) -> None:
    arrays = batches.photos.arrays()
    for size, count in ((32, 8), (64, 2)):
        batch = batches.draw(2, size, arrays)
        assert batch.noisy.shape == batch.clean.shape == (count, size, size, 3)
        assert batch.sigma.shape == (count,)
        assert batch.profile.shape == (count, 5)
        assert 0 <= batch.clean.min() <= batch.clean.max() <= 1


def test_the_network_works_blind_or_with_the_level_alone_for_some_patches(batches: Batches) -> None:
    arrays = batches.photos.arrays()
    drawn = [batches.draw(number, 32, arrays) for number in range(60)]
    blind = np.concatenate([batch.sigma == UNKNOWN_SIGMA for batch in drawn])
    undescribed = np.concatenate([batch.profile[:, 0] < 0 for batch in drawn])
    assert 0.1 < blind.mean() < 0.2
    assert 0.33 < undescribed.mean() < 0.47
    assert not (blind & ~undescribed).any()


def test_synthetic_images_have_their_share_of_the_patches(batches: Batches) -> None:
    odds = patches.odds(batches.photos.arrays(), 3)
    assert odds[-3:].sum() == pytest.approx(patches.SYNTHETIC)
    assert patches.odds(batches.photos.arrays(), 0).sum() == pytest.approx(1)


def test_dead_leaves_have_plain_areas_edges_and_the_colours_of_photographs(
    batches: Batches,
) -> None:
    palette = [np.full((8, 8, 3), (200, 120, 40), np.uint8)]
    image = dead_leaves(palette, seed=1, size=128).astype(float)
    assert image.shape == (128, 128, 3)
    np.testing.assert_allclose(image[..., 1], image[..., 0] * 0.6, atol=1.5)
    flat = []
    for seed in range(8):
        image = dead_leaves(batches.photos.arrays(), seed=seed, size=128).astype(float)
        flat.append((np.abs(np.diff(image, axis=0)).max(-1) <= 2).mean())
    assert max(flat) > 0.9
    assert min(flat) < 0.75


def test_plain_images_are_smooth_and_have_the_colours_of_photographs() -> None:
    palette = [np.full((8, 8, 3), (200, 120, 40), np.uint8)]
    images = [plain(palette, seed=seed, size=96).astype(float) for seed in range(12)]
    for image in images:
        assert image.shape == (96, 96, 3)
        assert np.abs(image - (200, 120, 40)).max() <= 40
        assert max(np.abs(np.diff(image, axis=axis)).max() for axis in (0, 1)) <= 3
    spreads = [np.ptp(image, (0, 1)).max() for image in images]
    assert min(spreads) == 0
    assert max(spreads) > 20


def test_a_stream_gives_the_batches_of_its_plan(batches: Batches) -> None:
    arrays = batches.photos.arrays()
    plan = [(1, 32), (2, 32), (3, 64), (7, 64)]
    received = list(stream(batches, plan, workers=2))
    assert len(received) == 4
    for (number, size), batch in zip(plan, received, strict=True):
        assert equal(batch, batches.draw(number, size, arrays))


def test_photographs_are_made_smaller_and_larger() -> None:
    random = np.random.default_rng(0)
    scales = [patches._scale(32, 512, random) for _ in range(500)]
    assert min(scales) < 0.4
    assert max(scales) > 1.9
    assert 0.25 < scales.count(1.0) / len(scales) < 0.45
    # No smaller than the patch, whatever the photograph.
    assert min(patches._scale(32, 40, random) for _ in range(500)) >= 32 / 40


def test_sharpened_noise_has_more_of_the_finest_detail() -> None:
    random = np.random.default_rng(3)
    plain = np.random.default_rng(1).standard_normal((64, 64, 3)).astype(np.float32)
    results = [sharpened(plain, random, 0.5) for _ in range(20)]
    changed = [each for each in results if each is not plain]
    assert 4 <= len(changed) <= 16
    assert all(neighbours(each) < 0.02 for each in changed)


def test_decoded_photographs_can_be_extended(photographs: Folder, tmp_path: Path) -> None:
    photos = decode(photographs, tmp_path / "photos.bin", at_least=64)
    before = [array.copy() for array in photos.arrays()]
    image = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
    extended = photos.extended([image])
    for mine, expected in zip(extended.arrays(), [*before, image], strict=True):
        np.testing.assert_array_equal(mine, expected)
    for mine, expected in zip(photos.arrays(), before, strict=True):
        np.testing.assert_array_equal(mine, expected)
