"""What a denoiser makes of images with noise."""

from dataclasses import dataclass

from training.pixel_noise import TEST_SEED
from training.report import pictures
from training.report.measure import Shown
from training.results import Results
from training.scores import psnr_of_mean

IMAGES = 6


@dataclass(frozen=True)
class Denoised:
    """Images with one noise, and what is left of it.

    Args:
        noise: In words.
        before: PSNR of the noisy images in dB.
        after: Of the denoised ones.
        noisy: Data URIs.
        denoised: Data URIs.
    """

    noise: str
    before: float
    after: float
    noisy: list[str]
    denoised: list[str]


def denoise(results: Results, samples: Shown) -> list[Denoised]:
    """Return the first samples with each noise of a denoiser; none of another model."""
    clean = samples.items[:IMAGES]
    found = []
    for noise in results.noises:
        noisy = noise.corrupt(clean, seed=TEST_SEED)
        restored = results.reconstruct(noisy)
        found.append(
            Denoised(
                str(noise),
                psnr_of_mean(noisy, clean),
                psnr_of_mean(restored, clean),
                [pictures.uri(each) for each in noisy],
                [pictures.uri(each) for each in restored],
            )
        )
    return found
