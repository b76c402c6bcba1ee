"""A bar that says how many megapixels are done, where somebody sees it."""

import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile
from tqdm import tqdm

from service.files.plan import Job
from service.images.formats import media_type_of
from service.images.photograph import JPEG, PNG, WEBP

FILES: Mapping[str, type[ImageFile]] = {PNG: PngImageFile, JPEG: JpegImageFile, WEBP: WebPImageFile}
LINE = (
    "{percentage:3.0f}% |{bar}| {n:.1f} of {total:.1f} MP [{elapsed}<{remaining}, {rate_noinv_fmt}]"
)


class Progress:
    """Pixels done of all that there are to do; what failed is no longer among them."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        """Read the sizes of files, if they are to be shown: stderr is a terminal."""
        is_shown = sys.stderr.isatty()
        self._left = {job: _pixels(job.source) for job in jobs if is_shown and job.source}
        self._bar = tqdm(
            total=sum(self._left.values()),
            unit="MP",
            unit_scale=1e-6,
            bar_format=LINE,
            file=sys.stderr,
            disable=not is_shown,
        )

    def begin(self, job: Job, pixels: int) -> None:
        """Count a photograph by what it has, now that it was read."""
        self._bar.total += pixels - self._left.get(job, 0)
        self._left[job] = pixels

    def done(self, job: Job, pixels: int) -> None:
        """Count pixels of a photograph as denoised."""
        self._left[job] -= pixels
        self._bar.update(pixels)

    def failed(self, job: Job, fault: str) -> None:
        """Say why a photograph failed, and count its pixels no more."""
        self._bar.total -= self._left.pop(job, 0)
        self._bar.write(f"{job.name}: {fault}", file=sys.stderr)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.close()


def _pixels(path: Path) -> int:
    """The pixels that a file says it has; 0 where it cannot be read, as will be told in time."""
    try:
        with path.open("rb") as file:
            media_type = media_type_of(file.read(12))
            file.seek(0)
            return math.prod(FILES[media_type](file).size)
    except Exception:  # noqa: BLE001 - Pillow's decoders fail in more ways than it documents
        return 0
