"""Photographs in tiles, without HTTP and codecs: cold and warm, and memory."""

from collections.abc import Iterator

from benchmarks.gpu.card import memory
from benchmarks.gpu.clock import milliseconds, timed
from benchmarks.gpu.rows import Row
from benchmarks.gpu.stand import Stand
from benchmarks.photographs.alone import Alone, Ran
from benchmarks.photographs.pictures import Pixels, megapixels, noisy, sized

TABLE = "Photographs in tiles, without HTTP and codecs"


def measure(stand: Stand) -> Iterator[Row]:
    """Yield a row for each size; in the first run of a size, the shapes of its tiles are new."""
    options = stand.options
    alone = Alone(options.models, options.model, stand.execution())
    for size in options.sizes:
        what = f"{size:g} MP"
        if stand.clock.left < 0:
            yield Row(TABLE, what, note="no time was left")
            continue
        pixels = noisy(sized(stand.picture, size))
        ran: list[Ran] = []

        def run(pixels: Pixels = pixels, ran: list[Ran] = ran) -> None:
            ran.append(alone.in_tiles(pixels))

        first = timed(run)
        warm = milliseconds(stand.clock.repeat(run, options.seconds))
        yield Row(
            TABLE,
            what,
            {
                "tiles": len(ran[0].tiles),
                "first, ms": 1000 * first,
                "then, ms": warm,
                "MP/s": 1000 * megapixels([pixels]) / warm,
                "MP/s of the session": max(each.speed for each in ran[1:]),
                **memory(stand.device),
            },
        )
