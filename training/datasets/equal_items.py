"""Items that are all the same: they teach nothing, and no threshold follows from them."""

import numpy as np

from training.datasets.items import BATCH, Items


def are_equal(part: Items) -> bool:
    """Return whether a part has several items that all equal the first; NaN equals NaN."""
    first = part.take(slice(1))
    return len(part) > 1 and all(
        np.array_equal(some, np.broadcast_to(first, some.shape), equal_nan=True)
        for start in range(0, len(part), BATCH)
        for some in [part.take(slice(start, start + BATCH))]
    )


def has_numbers(part: Items) -> bool:
    """Return whether anything is not missing of the items of a part."""
    return any(not np.isnan(batch).all() for batch in part.batches())


def notes_of_equal_parts(validation: Items, test: Items) -> tuple[str, ...]:
    """Return a note on each part that is held out and whose items are all the same.

    Args:
        validation: Items to validate with.
        test: Items to test with.
    """
    said = {"validation": "they tell no threshold", "test": "they measure little"}
    return tuple(
        f"all {len(part):,} items of the {name} part are equal: {consequence}"
        for part, (name, consequence) in zip((validation, test), said.items(), strict=True)
        if are_equal(part)
    )
