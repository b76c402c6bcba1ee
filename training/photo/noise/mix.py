"""The mix of noise that the denoiser of photographs is trained to remove.

White Gaussian noise, as papers add it, is rare in photographs: theirs comes from a sensor and has
gone through demosaicing, a tone curve, resizing and JPEG, so that it depends on the brightness and
is correlated between neighbours and between channels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.photo.noise.correlated import correlated, film
from training.photo.noise.demosaic import developed
from training.photo.noise.gaussian import uneven, white
from training.photo.noise.impulse import impulses
from training.photo.noise.jpeg import compression
from training.photo.noise.profile import profile, sigma_of
from training.photo.noise.resampling import resampled
from training.photo.noise.sensor import camera, sensor
from training.photo.noise.types import Corrupt, Floats, luminance, to_bytes, to_floats

GRAY = 0.1
"""Share of patches in gray."""
DEEP = 0.1
"""Share of what is not JPEG that is not rounded to 8 bits."""


@dataclass(frozen=True)
class Kind:
    """A kind of noise.

    Args:
        name: What it is called in records and figures.
        share: Of all patches, 0 to 1.
        jpeg: Share of its patches that are written as JPEG afterwards.
        resampled: Share whose noise is added at another resolution.
        impulses: Share that gets impulse noise too.
        corrupt: Adds the noise.
        developed: Share whose photograph itself has gone through demosaicing.
    """

    name: str
    share: float
    jpeg: float
    resampled: float
    impulses: float
    corrupt: Corrupt
    developed: float = 0.0


@dataclass(frozen=True)
class Sample:
    """A noisy patch, the clean one, and what is known of the noise between them.

    Args:
        noisy: float32 (height, width, 3), in [0, 1] unless it is one of the few that are not
            rounded to 8 bits.
        clean: float32 (height, width, 3) in [0, 1].
        sigma: Root mean square of the noise without impulses, on the scale of 0 to 255: before
            clipping or, where there is JPEG and no impulse, after it, without the chroma that
            its subsampling loses.
        profile: (5,) as training.photo.noise.profile describes it.
        added: The same before JPEG, 0 where no noise was added.
    """

    noisy: Floats
    clean: Floats
    sigma: float
    profile: NDArray[np.float32]
    added: float


def nothing(clean: Floats, _: np.random.Generator) -> Floats:
    """Return the patch as it is: a clean photograph must stay what it is."""
    return clean


MIX = (
    Kind("white", 0.36, 0.08, 0.0, 0.02, white),
    Kind("uneven", 0.03, 0.1, 0.0, 0.0, uneven),
    Kind("sensor", 0.05, 0.3, 0.3, 0.05, sensor),
    Kind("camera", 0.22, 0.55, 0.3, 0.05, camera, developed=0.5),
    Kind("correlated", 0.14, 0.35, 0.15, 0.02, correlated, developed=0.25),
    Kind("film", 0.04, 0.4, 0.15, 0.0, film),
    Kind("impulse", 0.04, 0.2, 0.0, 1.0, nothing),
    Kind("none", 0.12, 0.55, 0.0, 0.0, nothing, developed=0.3),
)


def shares() -> str:
    """Return the mix in words."""
    return (
        ", ".join(
            f"{kind.name} {kind.share:.0%}"
            + (f" ({kind.developed:.0%} of it on demosaiced photographs)" if kind.developed else "")
            for kind in MIX
        )
        + "; the lower resolution of colour in JPEG is no noise"
    )


def sample(clean: Floats, random: np.random.Generator) -> Sample:
    """Return a patch with noise of a random kind."""
    return sample_of(MIX[random.choice(len(MIX), p=[kind.share for kind in MIX])], clean, random)


def sample_of(kind: Kind, clean: Floats, random: np.random.Generator) -> Sample:
    """Return a patch with noise of a kind."""
    if random.random() < kind.developed:
        clean = developed(clean, random)
    is_gray = random.random() < GRAY
    if is_gray:
        clean = luminance(clean).repeat(3, -1)
    if random.random() < kind.resampled:
        noisy = resampled(kind.corrupt, clean, random)
    else:
        noisy = kind.corrupt(clean, random)
    if is_gray:
        noisy = noisy[..., 1:2].repeat(3, -1)
    noise = added = noisy - clean
    is_hit = random.random() < kind.impulses
    if is_hit:
        noisy = impulses(noisy, random)
    if random.random() < kind.jpeg:
        written = compression(random)
        noisy = written.read_back(noisy)
        if not is_hit:
            noise = noisy - written.with_subsampled_chroma(clean)
    elif random.random() >= DEEP:
        noisy = to_floats(to_bytes(noisy))
    return Sample(noisy, clean, sigma_of(noise), profile(noise, clean), sigma_of(added))
