"""Denoise the photographs of a plan: while one is denoised, another is read or written."""

import asyncio
import contextlib
import math
import os
import secrets
import stat
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from service import standard_output
from service.errors import InvalidValue, NotAcceptable
from service.files.plan import Job, Plan
from service.files.progress import Progress, report
from service.files.targets import Targets, fits
from service.images.crop import crop
from service.images.decode import read
from service.images.encode import writable, write
from service.images.formats import Policy
from service.images.photograph import Photograph, Samples
from service.inference.tiling.controls import Controls
from service.inference.tiling.denoise import Denoiser

MAX_LOADED = 2
"""Photographs in memory: one is denoised while the other is written, or the next one read."""


@dataclass(frozen=True)
class Options:
    """How photographs are read, denoised and written.

    Attributes:
        sigma: Standard deviation of the noise on the scale of 0 to 255, None if unknown.
        controls: How much of the noise to remove, of which part, with how much effort.
        quality: Of lossy formats, 1 to 100; None for the default.
        max_pixels: Of the largest photograph that is read.
        policy: Which files are read.
        overwrite: Whether existing files are replaced.
    """

    sigma: float | None
    controls: Controls
    quality: int | None
    max_pixels: int
    policy: Policy
    overwrite: bool


@dataclass
class Outcome:
    """What became of the photographs.

    Attributes:
        written: How many were written.
        levels: The noise level that was removed from each, where it is known.
    """

    written: int = 0
    levels: list[float] = field(default_factory=list)


def denoise(denoiser: Denoiser, plan: Plan, options: Options, progress: Progress) -> Outcome:
    """Denoise photographs and write them.

    A file is written under another name beside its place and then renamed, so that an interruption
    leaves no partial file.

    Args:
        denoiser: Denoises each photograph.
        plan: What to read and where to write it.
        options: How.
        progress: Shows each photograph's progress, or why it failed; the others go on.

    Returns:
        How many photographs were written, and how noisy they were.

    Raises:
        InvalidValue: Standard input is to be read, and is closed.
        OutputError: Standard output cannot be written.
    """
    run, jobs = _Run(denoiser, plan.targets, options, progress), plan.jobs
    # Outside of the event loop and of threads, where Ctrl-C would wait for the end of input.
    if any(job.source is None for job in jobs):
        if sys.stdin is None:  # `<&-`
            raise InvalidValue("IN: expected an open standard input, received a closed one")
        run.standard_input = sys.stdin.buffer.read()
    asyncio.run(run.all(jobs))
    if run.standard_output:
        standard_output.write(run.standard_output)
    return run.outcome


class _Run:
    def __init__(
        self, denoiser: Denoiser, targets: Targets, options: Options, progress: Progress
    ) -> None:
        self._denoiser = denoiser
        self._targets = targets
        self._options = options
        self._progress = progress
        self._turn = asyncio.Lock()
        self.standard_input = self.standard_output = b""
        self.outcome = Outcome()

    async def all(self, jobs: Sequence[Job]) -> None:
        remaining = iter(jobs)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(MAX_LOADED):
                    group.create_task(self._work(remaining))
        finally:
            await self._denoiser.idle()

    async def _work(self, jobs: Iterator[Job]) -> None:
        for job in jobs:
            try:
                levels = await self._one(job)
            except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
                self._progress.failed(job, str(error) or type(error).__name__)
            else:
                self.outcome.written += 1
                self.outcome.levels += levels

    async def _one(self, job: Job) -> list[float]:
        """Denoise a photograph and write it; return the noise level that was removed."""
        photograph, pixels, media_type = await asyncio.to_thread(self._read, job)
        target = self._target(job, media_type)
        self._progress.begin(job, math.prod(pixels.shape[:2]))
        # One after the other: two at once would end at once, and the session would be idle while
        # both are written.
        async with self._turn:
            result = await self._denoiser.denoise(
                pixels,
                sigma=self._options.sigma,
                controls=self._options.controls,
                done=lambda pixels: self._progress.done(job, pixels),
            )
        del pixels
        photograph = replace(photograph, pixels=result.output)  # frees the noisy ones
        file = await asyncio.to_thread(write, photograph, media_type, self._options.quality)
        if target is None:
            self.standard_output = file
        else:
            await asyncio.to_thread(_save, file, target, overwrite=self._options.overwrite)
        return [noise.sigma for noise in result.noise]

    def _target(self, job: Job, media_type: str) -> Path | None:
        """Return the file to write: another one where the plan could not tell the format."""
        if job.target is None or job.source is None:
            return job.target
        if job.is_settled and fits(job.target, media_type):
            return job.target
        target = self._targets.take(job.target.with_name(job.source.name), media_type)
        if os.path.lexists(target) and not self._options.overwrite:  # before it is denoised
            raise InvalidValue(f"expected a new file to write, received {target}, which exists")
        return target

    def _read(self, job: Job) -> tuple[Photograph, Samples, str]:
        """Return what of a photograph to write, the pixels of all of it, and the media type."""
        try:
            body = self.standard_input if job.source is None else job.source.read_bytes()
        except OSError as error:
            raise InvalidValue(
                f"expected a file that can be read, received: {error.strerror}"
            ) from error
        photograph = read(body, self._options.max_pixels, self._options.policy)
        if photograph.warning:
            report(f"{job.name}: {photograph.warning}")
        pixels = photograph.pixels
        if region := self._options.controls.region:
            region.check(*pixels.shape[:2])
            photograph = crop(photograph, *region)
        possible = writable(photograph)
        media_type = job.media_type or possible[0]
        if media_type not in possible:  # before it is denoised in vain
            raise NotAcceptable(
                f"format: expected one that can hold it, {', '.join(possible)}, "
                f"received {media_type}"
            )
        return photograph, pixels, media_type


def _save(file: bytes, target: Path, *, overwrite: bool) -> None:
    """Write a file to a path, or to where that links to, with the permissions of what was there."""
    place = Path(os.path.realpath(target))
    partial = place.with_name(f".{secrets.token_hex(8)}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        mode = stat.S_IMODE(place.stat().st_mode) if place.exists() else None
        new = 0o666 if mode is None else mode  # never open to more people, not even at first
        with open(partial, "xb", opener=lambda path, flags: os.open(path, flags, new)) as stream:
            stream.write(file)
        if os.path.lexists(target) and not overwrite:
            raise FileExistsError(0, "a file that came there meanwhile")
        if mode is not None:
            partial.chmod(mode)
        partial.replace(place)
    except OSError as error:
        raise InvalidValue(f"expected to write {target}, received: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):  # it was renamed, or never created
            partial.unlink()
