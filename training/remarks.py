"""Text of a model card: how its figures were measured, and the model's limits."""

from dataclasses import dataclass

from service.manifest import Manifest


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
    """Return the text on a model of photographs, which has tiles, or of Fashion-MNIST."""
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


def _on_photographs(manifest: Manifest) -> Remarks:
    return Remarks(
        measured=(
            "Of what the service makes of 8-bit images, in 8 bits. PSNR is the mean of each "
            "image's, for a peak of 255 and at most 100 dB; SSIM is scikit-image's, the mean over "
            "the images."
        ),
        restoring=(
            "The same noisy images ({images}) for every method, the best figure in bold. White "
            "noise is drawn by NumPy's `default_rng` with the index of the image for a seed, added "
            "to 8-bit pixels, clipped and rounded. Camera noise is synthetic: noise of photons and "
            "of reading on what a sensor behind a Bayer filter would see of the image, then "
            "demosaicing, the curve of sRGB and JPEG of quality 90, with other parameters and by "
            "another filter than in training; the clean image has gone through the same. A method "
            "that is told sigma knows the standard deviation of the noise of each image, which the "
            "model by itself does not; one tuned with the truth has the settings that restore "
            "these very images best."
        ),
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
            (
                "Sigma is one number, the standard deviation of the noise of the whole image, "
                "which is all there is to say of white noise alone. In training it was that of "
                "what was added before JPEG."
            ),
            (
                "Of the blocks and rings that JPEG leaves it removes a part: in training JPEG of a "
                "quality of 30 to 98 came after some of the noise."
            ),
            "A colour cast, dead pixels, dust, scratches and moiré are no noise to it.",
            "No figure is of a real camera's noise.",
        ),
    )
