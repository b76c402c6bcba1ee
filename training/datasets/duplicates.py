"""Items that are in two parts of a data set: what was learned by heart is then taken for skill."""

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from training.datasets.items import Items

Hashes = NDArray[np.uint64]


def note_of_equal(train: Items, validation: Items, test: Items) -> tuple[str, ...]:
    """Return a note where items that are held out equal some that are trained on.

    Args:
        train: Items to train on.
        validation: Items to validate with.
        test: Items to test with.
    """
    known = _hashes(train)
    found = {
        name: int(np.isin(_hashes(part), known).sum())
        for name, part in (("validation", validation), ("test", test))
    }
    return tuple(
        f"{count:,} of {len(part):,} items of the {name} part equal one that is trained on"
        for (name, count), part in zip(found.items(), (validation, test), strict=True)
        if count
    )


def _hashes(part: Items) -> Hashes:
    """Return 64 bits of each item: BLAKE2b (RFC 7693) of its numbers."""
    digests = [
        blake2b(item.tobytes(), digest_size=8).digest()
        for batch in part.batches()
        for item in batch
    ]
    return np.frombuffer(b"".join(digests), np.uint64)
