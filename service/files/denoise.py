"""Photographs read, denoised and written one after another."""

import asyncio
import contextlib
import math
import os
import secrets
import stat
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from service import standard_output
from service.errors import InvalidValue, NotAcceptable
from service.files.plan import Job
from service.files.progress import Progress
from service.images.decode import read
from service.images.encode import writable, write
from service.images.photograph import Photograph
from service.inference.model import Model
from service.inference.tiling.denoise import denoise as denoised
from service.inference.tiling.denoise import idle

AT_ONCE = 2
"""Photographs at hand: one is denoised while the other is written, or the next one read."""


@dataclass(frozen=True)
class How:
    """How noisy photographs are, how much of that to remove, what to read and how to write.

    sigma: standard deviation of the noise on the scale of 0 to 255, None if unknown; strength: 0 to
    1; quality: 1 to 100, of JPEG and WebP; max_pixels: of one photograph.
    """

    sigma: float | None
    strength: float
    quality: int
    max_pixels: int
    overwrite: bool


def denoise(model: Model, jobs: Sequence[Job], how: How, progress: Progress) -> int:
    """Denoise photographs; return how many were written.

    What fails is told to progress, and the others go on. A file is written beside its place and
    then moved there, so that whatever stops this leaves no half of one.
    """
    work = _Work(model, how, progress)
    # Here, where Ctrl-C ends it: in the event loop, or in a thread, it would wait for the rest.
    if any(job.source is None for job in jobs):
        work.given = sys.stdin.buffer.read()
    asyncio.run(work.all(jobs))
    if work.taken:
        standard_output.write(work.taken)
    return work.written


class _Work:
    def __init__(self, model: Model, how: How, progress: Progress) -> None:
        self._model = model
        self._how = how
        self._progress = progress
        self._session = asyncio.Lock()
        self.given = self.taken = b""
        """What came from standard input, and what goes to standard output."""
        self.written = 0

    async def all(self, jobs: Sequence[Job]) -> None:
        waiting = iter(jobs)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(self._each(waiting))
        finally:
            await idle(self._model)

    async def _each(self, jobs: Iterator[Job]) -> None:
        for job in jobs:
            try:
                await self._one(job)
            except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
                self._progress.failed(job, str(error) or type(error).__name__)
            else:
                self.written += 1

    async def _one(self, job: Job) -> None:
        photograph, media_type = await asyncio.to_thread(self._read, job)
        self._progress.begin(job, math.prod(photograph.pixels.shape[:2]))
        # In turn, or two would also end at once, and the session wait while both are written.
        async with self._session:
            result = await denoised(
                self._model,
                photograph.pixels,
                sigma=self._how.sigma,
                strength=self._how.strength,
                done=lambda pixels: self._progress.done(job, pixels),
            )
        photograph = replace(photograph, pixels=result.output)  # the noisy ones can go
        file = await asyncio.to_thread(
            write, photograph, photograph.pixels, media_type, self._how.quality
        )
        if job.target is None:
            self.taken = file
        else:
            await asyncio.to_thread(_save, file, job.target, overwrite=self._how.overwrite)

    def _read(self, job: Job) -> tuple[Photograph, str]:
        """A photograph, and the media type that it will have."""
        try:
            body = self.given if job.source is None else job.source.read_bytes()
        except OSError as error:
            raise InvalidValue(
                f"expected a file that can be read, received: {error.strerror}"
            ) from error
        photograph = read(body, self._how.max_pixels)
        media_type = job.media_type or photograph.media_type
        possible = writable(photograph)
        if media_type not in possible:  # before it is denoised in vain
            raise NotAcceptable(
                f"format: expected one that can hold it, {', '.join(possible)}, "
                f"received {media_type}"
            )
        return photograph, media_type


def _save(file: bytes, target: Path, *, overwrite: bool) -> None:
    """Write where a target is or links to, with the permissions of what was there."""
    place = Path(os.path.realpath(target))
    beside = place.with_name(f".{secrets.token_hex(8)}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        mode = stat.S_IMODE(place.stat().st_mode) if place.exists() else None
        new = 0o666 if mode is None else mode  # never open to more people, not even at first
        with open(beside, "xb", opener=lambda path, flags: os.open(path, flags, new)) as stream:
            stream.write(file)
        if os.path.lexists(target) and not overwrite:
            raise FileExistsError(0, "a file that came there meanwhile")
        if mode is not None:
            beside.chmod(mode)
        beside.replace(place)
    except OSError as error:
        raise InvalidValue(f"expected to write {target}, received: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):  # it was moved, or never made
            beside.unlink()
