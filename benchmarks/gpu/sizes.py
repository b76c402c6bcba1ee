"""Memory over photographs of many sizes: it must stay within bounds."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.gpu.card import used_megabytes
from benchmarks.gpu.rows import Row, Value
from benchmarks.gpu.stand import Stand
from benchmarks.photographs.alone import Alone
from benchmarks.photographs.pictures import noisy, sized

TABLE = "Memory over photographs of many sizes"
SHARES = (0.01, 0.1, 0.25, 0.5, 0.75, 1.0)
"""Parts of the photographs after which memory is measured."""
LEAST = 16
"""Pixels along a side, at least."""


def measure(stand: Stand) -> Iterator[Row]:
    """Yield memory after parts of the photographs, and its growth after the first quarter."""
    options = stand.options
    alone = Alone(options.models, options.model, stand.execution())
    source = noisy(sized(stand.picture, 2 * options.side**2 / 1e6))
    random = np.random.default_rng(0)
    sides = random.integers(LEAST, options.side, (options.count, 2), endpoint=True)
    marks = {max(1, round(share * options.count)) for share in SHARES}
    quarter = max(1, round(options.count / 4))
    early: dict[str, float | None] = {}
    done = 0
    for height, width in sides:
        if stand.clock.left < 0:
            break
        alone.in_tiles(source[:height, :width])
        done += 1
        if done in marks:
            found = _memory(stand)
            early = found if done == quarter else early
            yield _row(f"{done:,} sizes", found)
    if done not in marks:
        yield _row(f"{done:,} sizes", _memory(stand), "no time was left for more")
    if early and done > quarter:
        late = _memory(stand)
        grown = {name: _growth(early[name], late[name]) for name in late}
        yield Row(TABLE, f"growth after {quarter:,} sizes", dict(grown))


def _row(what: str, found: dict[str, float | None], note: str = "") -> Row:
    return Row(TABLE, what, dict(found), note)


def _memory(stand: Stand) -> dict[str, float | None]:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "GPU memory, MB": used_megabytes(stand.device),
        "memory of the process, MB": pages * os.sysconf("SC_PAGE_SIZE") / 1e6,
    }


def _growth(early: float | None, late: float | None) -> Value:
    return f"{late / early - 1:+.1%}" if early and late else None
