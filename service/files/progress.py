"""Progress on stderr: bars of megapixels or of items, on a terminal only, and lines of errors."""

import math
import mmap
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm

from service.files.plan import Job
from service.images.decode import open_image

OPEN_ENDED = "{n:.1f} MP [{elapsed}, {rate_noinv_fmt}]"
LINE = (
    "{percentage:3.0f}% |{bar}| {n:.1f} of {total:.1f} MP [{elapsed}<{remaining}, {rate_noinv_fmt}]"
)


class Progress:
    """The pixels that are denoised, of all photographs that have not failed."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        """Start a bar. Without a terminal behind stderr it is hidden, and no file is read.

        Args:
            jobs: What is to be denoised; of an iterator, which can be used once, the bar shows no
                total.
        """
        shown, self._knows_total = is_terminal(), isinstance(jobs, Sequence)
        counted = jobs if shown and isinstance(jobs, Sequence) else ()
        self._left = {job: _pixels(job.source) for job in counted if isinstance(job.source, Path)}
        self._bar = tqdm(
            total=sum(self._left.values()) if self._knows_total else None,
            unit="MP",
            unit_scale=1e-6,
            bar_format=LINE if self._knows_total else OPEN_ENDED,
            file=sys.stderr,
            disable=not shown,
        )

    def begin(self, job: Job, pixels: int) -> None:
        """Replace the pixels that a photograph's header declared by those that were read."""
        self._add(pixels - self._left.get(job, 0))
        self._left[job] = pixels

    def done(self, job: Job, pixels: int) -> None:
        """Count pixels of a photograph as denoised."""
        self._left[job] -= pixels
        self._bar.update(pixels)

    def finished(self, job: Job) -> None:
        """Forget a photograph that is written: a run may have millions."""
        self._left.pop(job, None)

    def failed(self, job: Job, fault: str) -> None:
        """Print why a photograph failed, and leave its pixels out."""
        self._add(-self._left.pop(job, 0))
        report(f"{job.name}: {fault}")

    def warned(self, job: Job, warning: str) -> None:
        """Print what is wrong with a photograph that is denoised all the same."""
        report(f"{job.name}: {warning}")

    def _add(self, pixels: int) -> None:
        if self._knows_total:
            self._bar.total += pixels

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.close()


def items_bar(total: int, done: int) -> "tqdm[Any]":
    """Return a bar of items, on a terminal only.

    Args:
        total: How many there are.
        done: How many a run before has done.
    """
    shown = is_terminal()
    return tqdm(total=total, initial=done, unit="items", file=sys.stderr, disable=not shown)


def photographs_bar() -> "tqdm[Any]":
    """Return a bar of photographs whose number is not known, on a terminal only."""
    return tqdm(unit="photographs", file=sys.stderr, disable=not is_terminal())


def is_terminal() -> bool:
    """Return whether stderr is a terminal."""
    return sys.stderr is not None and sys.stderr.isatty()


def report(line: str) -> None:
    """Print a line to stderr, above the bar if there is one; nowhere if stderr is closed."""
    if sys.stderr is not None:  # tqdm and print() would take None for standard output
        tqdm.write(line, file=sys.stderr)


def _pixels(path: Path) -> int:
    """Return the pixels that a file's header declares, 0 if it cannot be read: that fails later."""
    try:
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return math.prod(open_image(memoryview(mapped)).size)
    except Exception:  # noqa: BLE001 - Pillow's decoders fail in more ways than it documents
        return 0
