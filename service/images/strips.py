"""Pictures cut into parts that are small, however wide a row is."""

from collections.abc import Iterator


def blocks(height: int, width: int, pixel: int, most: int) -> Iterator[tuple[slice, slice]]:
    """Yield the rows and the columns of parts of a picture, in the order of its pixels.

    A part has as many whole rows as fit into so many bytes, or else as many pixels of one row;
    pixel: bytes of one.
    """
    across = min(width, max(1, most // pixel))
    down = max(1, most // (across * pixel))
    for top in range(0, height, down):
        for left in range(0, width, across):
            yield (
                slice(top, min(top + down, height)),
                slice(left, min(left + across, width)),
            )
