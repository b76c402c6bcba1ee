"""Batches of noisy and clean patches, each a function of seed, number and patch size alone."""

import signal
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.datasets.photos import Photos, Pixels
from training.photo.noise import mix
from training.photo.noise.profile import UNKNOWN, UNKNOWN_SIGMA
from training.photo.noise.types import Floats, to_floats

SMALLEST_SCALE, LARGEST_SCALE = 1 / 3, 2.0
SYNTHETIC = 0.08
"""Share of the patches that is cut from dead leaves."""
BLIND, LEVEL_ONLY = 0.15, 0.25
"""Shares of the patches of whose noise the network knows nothing, or the noise level alone."""
LEVEL_ERROR, PROFILE_ERROR = 0.05, 0.03
"""Standard deviations of the errors in what it knows: of sigma's logarithm, and of the profile."""
AHEAD = 4
"""Batches that each process makes before they are needed."""


@dataclass(frozen=True)
class Batch:
    """What a step trains on.

    Args:
        noisy: float32 (batch, size, size, 3).
        sigma: float32 (batch,), negative where the network is to work blind.
        profile: float32 (batch, 5), its first number negative where it is unknown.
        clean: float32 (batch, size, size, 3) in [0, 1].
    """

    noisy: Floats
    sigma: NDArray[np.float32]
    profile: NDArray[np.float32]
    clean: Floats


@dataclass(frozen=True)
class Batches:
    """What batches are cut from.

    Args:
        photos: The photographs; none may be smaller than the patches.
        synthetic: How many of them, at the end, are dead leaves.
        pixels: Of a batch, as far as whole patches come near to it.
        seed: Of all that is random.
    """

    photos: Photos
    synthetic: int
    pixels: int
    seed: int

    def stream(self, plan: Iterable[tuple[int, int]], *, workers: int) -> Generator[Batch]:
        """Yield a batch for each number and patch size of a plan, made ahead by processes."""
        ahead: deque[Future[Batch]] = deque()
        # Spawned, not forked: a fork of a process with the threads of a framework may hang.
        pool = ProcessPoolExecutor(workers, get_context("spawn"), _prepare, (self,))
        try:
            for number, size in plan:
                ahead.append(pool.submit(_draw, number, size))
                if len(ahead) > AHEAD * workers:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def draw(self, number: int, size: int, arrays: list[Pixels]) -> Batch:
        """Return the batch of a number, patches of size x size pixels cut from the arrays."""
        random = np.random.Generator(np.random.SFC64((self.seed, number)))
        count = max(1, round(self.pixels / size**2))
        odds = _odds(arrays, self.synthetic)
        samples = [
            mix.sample(_patch(arrays[index], size, random), random)
            for index in random.choice(len(arrays), count, p=odds)
        ]
        known = [_known(sample, random) for sample in samples]
        return Batch(
            np.stack([sample.noisy for sample in samples]),
            np.array([sigma for sigma, _ in known], np.float32),
            np.stack([profile for _, profile in known]),
            np.stack([sample.clean for sample in samples]),
        )


def _odds(arrays: list[Pixels], synthetic: int) -> NDArray[np.float64]:
    """In proportion to the side: neither many small photographs nor a few large ones prevail."""
    odds = np.sqrt([float(array.shape[0] * array.shape[1]) for array in arrays])
    real = len(arrays) - synthetic
    share = SYNTHETIC if synthetic else 0.0
    odds[:real] *= (1 - share) / odds[:real].sum()
    odds[real:] *= share / max(odds[real:].sum(), 1)
    chances: NDArray[np.float64] = odds / odds.sum()
    return chances


def _known(sample: mix.Sample, random: np.random.Generator) -> tuple[float, NDArray[np.float32]]:
    """What the network is given of the noise: estimates, as in use, or nothing."""
    kind = random.random()
    if kind < BLIND:
        return UNKNOWN_SIGMA, UNKNOWN
    sigma = sample.sigma * float(np.exp(random.normal(0, LEVEL_ERROR)))
    if kind < BLIND + LEVEL_ONLY:
        return sigma, UNKNOWN
    profile = sample.profile + random.normal(0, PROFILE_ERROR, sample.profile.shape)
    profile[:2] = np.maximum(profile[:2], 0)
    return sigma, profile.astype(np.float32)


def _patch(array: Pixels, size: int, random: np.random.Generator) -> Floats:
    """A patch of a photograph made smaller, or sometimes larger, turned and mirrored."""
    side = round(size / _scale(size, min(array.shape[:2]), random))
    top, left = (random.integers(0, length - side + 1) for length in array.shape[:2])
    patch = array[top : top + side, left : left + side]
    if side != size:
        # Enlarged by a box, it would have steps instead of softness.
        is_smooth = side < size or random.random() < 0.5
        resample = Image.Resampling.BICUBIC if is_smooth else Image.Resampling.BOX
        patch = np.asarray(Image.fromarray(patch).resize((size, size), resample))
    patch = np.rot90(patch, int(random.integers(4)))
    return to_floats(patch[:, ::-1] if random.random() < 0.5 else patch)


def _scale(size: int, side: int, random: np.random.Generator) -> float:
    """How much smaller or larger a photograph is made whose shorter side is so long."""
    kind = random.random()
    if kind < 0.5:
        return random.uniform(max(SMALLEST_SCALE, size / side), 1)
    # What comes from a large sensor is soft, pixel by pixel.
    return random.uniform(1, LARGEST_SCALE) if kind < 0.65 else 1.0


def _prepare(batches: Batches) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):  # the training stops its processes itself
        signal.signal(number, signal.SIG_IGN)
    global _batches, _arrays  # what a process of the pool keeps between batches
    _batches, _arrays = batches, batches.photos.arrays()


def _draw(number: int, size: int) -> Batch:
    return _batches.draw(number, size, _arrays)


_batches: Batches
_arrays: list[Pixels]
