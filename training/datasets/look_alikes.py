"""Images that look alike in two parts of a data set, by perceptual hashes."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.fft import dctn

from training.datasets.items import Items

SIDE = 32
KEPT = 8
NEAR = 4
"""Bits in which the hashes of look-alikes differ at most."""
PIECE = 1 << 24
"""Pairs that are compared at a time."""

Hashes = NDArray[np.uint64]


def note_of_look_alikes(train: Items, validation: Items, test: Items) -> tuple[str, ...]:
    """Return a note where images that are held out look like some that are trained on.

    Args:
        train: Images to train on.
        validation: Images to validate with.
        test: Images to test with.
    """
    known = np.unique(_hashes(train))
    notes = []
    for name, part in (("validation", validation), ("test", test)):
        if count := int(_near(_hashes(part), known).sum()):
            notes.append(
                f"{count:,} of {len(part):,} images of the {name} part look like one that is "
                f"trained on (perceptual hashes differ in {NEAR} of 64 bits at most)"
            )
    return tuple(notes)


def perceptual_hash(image: NDArray[np.float32]) -> int:
    """Return 64 bits that scaling, compression and light retouching hardly change.

    Args:
        image: (height, width) or (height, width, 3) in [0, 1].

    Returns:
        A bit for each of the 8 x 8 lowest frequencies of the image, reduced to 32 x 32 pixels of
        gray: whether its amplitude is above their median (Zauner, Implementation and benchmarking
        of perceptual image hash functions, 2010, section 3.2.1).
    """
    gray = image if image.ndim == 2 else image.mean(axis=2)
    small = Image.fromarray(gray).resize((SIDE, SIDE), Image.Resampling.BOX)
    low = dctn(np.asarray(small))[:KEPT, :KEPT]
    bits = (low > np.median(low)).ravel()
    return int(np.packbits(bits).view(">u8")[0])


def _hashes(part: Items) -> Hashes:
    return np.array(
        [perceptual_hash(image) for batch in part.batches() for image in batch], np.uint64
    )


def _near(hashes: Hashes, known: Hashes) -> NDArray[np.bool_]:
    """Return which hashes differ from a known one in a few bits at most."""
    rows = max(1, PIECE // max(1, len(known)))
    pieces = [
        (np.bitwise_count(hashes[start : start + rows, np.newaxis] ^ known) <= NEAR).any(1)
        for start in range(0, len(hashes), rows)
    ]
    return np.concatenate(pieces) if pieces else np.zeros(0, bool)
