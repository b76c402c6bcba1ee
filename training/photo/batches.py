"""Batches of noisy and clean patches, each a function of nothing but the seed and its number."""

import signal
from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.datasets.photos import Photos, Pixels
from training.photo import noise
from training.photo.noise import UNKNOWN, Floats, Kind

SMALLEST_SCALE, LARGEST_SCALE = 1 / 3, 2.0
AHEAD = 4
"""Batches that each process makes before they are asked for."""


@dataclass(frozen=True)
class Batch:
    """Noisy images (batch, height, width, 3), their sigma (batch,) and the clean images."""

    noisy: Floats
    sigma: NDArray[np.float32]
    clean: Floats


@dataclass(frozen=True)
class Batches:
    """What to draw: patches of size x size pixels of photographs, with the noise of the mix.

    wide_from: the number of the first batch whose patches are twice as wide and half as many,
    None for no such batch. No photograph may be smaller than the patches.
    """

    photos: Photos
    size: int
    batch_size: int
    seed: int
    wide_from: int | None = None

    def stream(self, start: int, stop: int, *, workers: int) -> Generator[Batch]:
        """Yield the batches from start on, made ahead in processes of their own."""
        ahead: deque[Future[Batch]] = deque()
        # Spawned, not forked: a fork of a process with the threads of a framework may hang.
        pool = ProcessPoolExecutor(workers, get_context("spawn"), _prepare, (self,))
        try:
            for number in range(start, stop):
                ahead.append(pool.submit(_draw, number))
                if len(ahead) > AHEAD * workers:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def draw(self, number: int, arrays: list[Pixels]) -> Batch:
        """Return one batch, cut from the photographs' arrays."""
        wide = self.wide_from is not None and number >= self.wide_from
        size = 2 * self.size if wide else self.size
        patches = max(1, self.batch_size // 2) if wide else self.batch_size
        random = np.random.Generator(np.random.SFC64((self.seed, number)))
        # Neither many small photographs nor a few large ones are all that is seen.
        sides = np.sqrt([array.shape[0] * array.shape[1] for array in arrays])
        chosen = random.choice(len(arrays), patches, p=sides / sides.sum())
        samples = [spoil(_patch(arrays[index], size, random), random) for index in chosen]
        noisy, sigma, clean = zip(*samples, strict=True)
        return Batch(np.stack(noisy), np.array(sigma, np.float32), np.stack(clean))


def spoil(clean: Floats, random: np.random.Generator) -> tuple[Floats, float, Floats]:
    """Return a noisy patch, the sigma told of it, and the clean patch, a tenth of both gray.

    Sigma is the standard deviation of what was added, and half of the time UNKNOWN.
    """
    kind = noise.MIX[random.choice(len(noise.MIX), p=[each.share for each in noise.MIX])]
    noisy, sigma, clean = spoiled_by(kind, clean, random)
    return noisy, sigma if random.random() < 0.5 else UNKNOWN, clean


def spoiled_by(
    kind: Kind, clean: Floats, random: np.random.Generator
) -> tuple[Floats, float, Floats]:
    """Return a patch with noise of a kind, its sigma before JPEG, and the clean patch."""
    gray = random.random() < 0.1
    if gray:
        clean = np.repeat(clean @ np.array([[0.299], [0.587], [0.114]], np.float32), 3, axis=-1)
    noisy = kind.corrupt(clean, random)
    if gray:
        noisy = np.repeat(noisy[..., 1:2], 3, axis=-1)
    sigma = float(np.std(noisy - clean)) * 255
    if random.random() < kind.jpeg:
        noisy = noise.jpeg(noisy, random)
    elif random.random() < 0.9:  # the others come from files of 16 bits, or from none
        noisy = noise.to_bytes(noisy).astype(np.float32) / np.float32(255)
    return noisy, sigma, clean


def _patch(array: Pixels, size: int, random: np.random.Generator) -> Floats:
    """A patch of a photograph made smaller, or sometimes larger, turned and mirrored."""
    side = round(size / _scale(size, min(array.shape[:2]), random))
    top, left = (random.integers(0, length - side + 1) for length in array.shape[:2])
    patch = array[top : top + side, left : left + side]
    if side != size:
        # Larger by a box there would be steps instead of softness.
        is_smooth = side < size or random.random() < 0.5
        resample = Image.Resampling.BICUBIC if is_smooth else Image.Resampling.BOX
        patch = np.asarray(Image.fromarray(patch).resize((size, size), resample))
    patch = np.rot90(patch, int(random.integers(4)))
    if random.random() < 0.5:
        patch = patch[:, ::-1]
    clean: Floats = patch.astype(np.float32) / np.float32(255)
    return clean


def _scale(size: int, side: int, random: np.random.Generator) -> float:
    """How much smaller or larger a photograph is made whose shorter side is so long."""
    kind = random.random()
    if kind < 0.5:
        return random.uniform(max(SMALLEST_SCALE, size / side), 1)
    # What comes from a large sensor is soft, pixel by pixel.
    return random.uniform(1, LARGEST_SCALE) if kind < 0.65 else 1.0


def _prepare(batches: Batches) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who stops the training stops this process too
    global _batches, _arrays  # what a process of the pool keeps between batches
    _batches, _arrays = batches, batches.photos.arrays()


def _draw(number: int) -> Batch:
    return _batches.draw(number, _arrays)


_batches: Batches
_arrays: list[Pixels]
