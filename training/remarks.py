"""Text of a model card: how its figures were measured, and the model's limits."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from service.manifest import Manifest
from training.measurement import PAIRS


@dataclass(frozen=True)
class Remarks:
    """Text on a model.

    Args:
        measured: How the figures were measured.
        restoring: How noise was made and removed, with {images} for the images' description.
        limits: What the model cannot do.
    """

    measured: str
    restoring: str
    limits: tuple[str, ...]


def remarks(manifest: Manifest) -> Remarks:
    """Return the text on a model of one's own data, of photographs, or of Fashion-MNIST."""
    if manifest.provenance.data is not None:
        return _on_own_data(manifest)
    sizes = [each.tiles for each in manifest.operations.values() if each.tiles]
    return _on_photographs(manifest) if sizes else _on_fashion_mnist(manifest)


def _on_fashion_mnist(manifest: Manifest) -> Remarks:
    first = next(iter(manifest.operations.values())).input
    limits: tuple[str, ...] = (
        (
            f"It has learned from {manifest.provenance.dataset} alone, and nothing was measured on "
            "other kinds of pictures."
        ),
        f"It takes {first.name} of shape ({', '.join(map(str, first.shape))}) and of no other.",
    )
    if "denoise" not in manifest.operations:
        limits = (*limits, "It was not trained to remove noise, and offers no denoise.")
    return Remarks(
        measured=(
            "Of what the ONNX graphs give. PSNR is of the mean MSE, for a peak of 1; SSIM is "
            "scikit-image's, the mean over the images."
        ),
        restoring=(
            "The same corrupted images ({images}) for every method, the best figure in bold. The "
            "linear filter is learned from corrupted training images. Non-local means, total "
            "variation and wavelets are scikit-image's denoisers, tuned for each noise on "
            "validation images, and the brightness that the noise has changed is put right after "
            "each by a straight line fitted on the same images."
        ),
        limits=limits,
    )


def _on_own_data(manifest: Manifest) -> Remarks:
    scaled = (
        "Errors are divided by the standard deviation of their column in the training part, so "
        "that 1 is what the mean of each column would get."
        if manifest.rows
        else "PSNR is of the mean MSE, for a peak of 1; SSIM is scikit-image's, the mean over the "
        "images."
    )
    return Remarks(
        measured=f"Of what the ONNX graphs give. {scaled}",
        restoring="The same corrupted images ({images}) for every method, the best figure in bold.",
        limits=(
            (
                f"It has learned from {manifest.provenance.dataset} alone, and its figures are of "
                "items of the same data."
            ),
        ),
    )


def _on_photographs(manifest: Manifest) -> Remarks:
    conditions = {figure.condition for figure in manifest.measurements}
    return Remarks(
        measured=(
            "Of what the service makes of 8-bit images, in 8 bits. PSNR is the mean of each "
            "image's, for a peak of 255 and at most 100 dB; SSIM is scikit-image's, the mean over "
            "the images."
        ),
        restoring=" ".join(_noises(conditions)),
        limits=(
            (
                f"It has learned from {manifest.provenance.dataset}. Drawings, scans and "
                "scientific images are not among what is measured: it may take for noise what is "
                "none."
            ),
            (
                "What noise has drowned is lost: fine texture comes out the smoother, the stronger "
                "the noise was. It sharpens nothing, and gives no more pixels than it takes."
            ),
            (
                "White noise had a sigma of 55 at most in training. Stronger noise is removed less "
                "well, above all where sigma is not told."
            ),
            *(_ESTIMATING if "estimate" in manifest.operations else _BLIND),
            *(() if PAIRS in conditions else ("No figure is of a real camera's noise.",)),
        ),
    )


_BLIND = (
    (
        "Sigma is one number, the standard deviation of the noise of the whole image, which is all "
        "there is to say of white noise alone. In training it was that of what was added before "
        "JPEG."
    ),
    (
        "Of the blocks and rings that JPEG leaves it removes a part: in training JPEG of a quality "
        "of 30 to 98 came after some of the noise."
    ),
    "A colour cast, dead pixels, dust, scratches and moiré are no noise to it.",
)
"""Limits of denoisers from before there were estimators: each tile judges its own noise."""
_ESTIMATING = (
    (
        "The estimate is one for the whole image, from up to 16 crops of 128 x 128 pixels. It "
        "counts what JPEG has changed, which for photographs of a high quality may be more than "
        "their noise: a lower sigma keeps more of the finest detail. Of fine regular texture, as "
        "fur, it may tell a noise that is none: `sigma=0` keeps it."
    ),
    (
        "Of the blocks and rings that JPEG leaves it removes a part: in training JPEG of a quality "
        "of 10 to 98 came after a third of the noise, and alone. Where they are part of what is to "
        "be kept, as in the simulated photographs at a low ISO, removing them counts as an error."
    ),
    (
        "Black, white and odd pixels are removed where they are few, 3 % at most in training. A "
        "colour cast, dust, scratches and moiré are no noise to it."
    ),
)


def _noises(conditions: Collection[str]) -> Iterator[str]:
    """Yield how the noise of each kind that was measured was made, and what methods know."""
    yield "All methods restore the same noisy images ({images}); the best figure is bold."
    for start, text in HOW.items():
        if any(condition.startswith(start) for condition in conditions):
            yield text
    yield (
        "A method that is told sigma knows the standard deviation of the noise of each image, "
        "which the model by itself does not; one tuned with the truth has the settings that "
        "restore these very images best."
    )


HOW: Mapping[str, str] = {
    "white noise": (
        "White noise is drawn by NumPy's `default_rng` with the index of the image for a seed, "
        "added to 8-bit pixels, clipped and rounded."
    ),
    "camera noise": (
        "Camera noise is synthetic: noise of photons and of reading on what a sensor behind a "
        "Bayer filter would see of the image, then demosaicing, the curve of sRGB and JPEG of "
        "quality 90, with other parameters and by another filter than in training; the clean image "
        "has gone through the same."
    ),
    PAIRS: (
        "Real cameras took the same scene many times: the mean of all is the clean image, one of "
        "them the noisy one."
    ),
    "noise of rms": (
        "Correlated noise is drawn by the same generator, a share of it common to the channels, "
        "blurred by a Gaussian whose standard deviation is in pixels and scaled to its rms; the "
        "constant sigma is the best of 3, 4, 5, 6, 8, 10 and 12."
    ),
    "film grain": "Film grain is such noise, the same in all channels.",
    "impulse noise": "Impulse noise is black and white in equal shares.",
    "JPEG": "JPEG is of Pillow's tables, with half the resolution in colour.",
}
"""How noise was made, by the start of its condition."""
