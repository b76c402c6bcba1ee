"""Denoise the photographs of a plan: while one is denoised, another is read or written."""

import asyncio
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from service import standard_output
from service.errors import InvalidValue, NotAcceptable
from service.files import location
from service.files.errors import Exists
from service.files.location import Location
from service.files.outcomes import Outcomes
from service.files.plan import Job, Plan
from service.files.progress import Progress
from service.files.targets import fits
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
        resume: Whether a photograph whose file exists is left as it is.
        is_repeatable: Whether an earlier attempt at the same jobs may have written, or may still
            write, some of their files: one that the plan found free is left as it is, and one whose
            name shows only now is compared.
    """

    sigma: float | None
    controls: Controls
    quality: int | None
    max_pixels: int
    policy: Policy
    overwrite: bool
    resume: bool = False
    is_repeatable: bool = False


@dataclass
class Outcome:
    """What became of the photographs.

    Attributes:
        written: How many were written.
        failed: How many failed.
        written_before: How many had been written before, or by another process meanwhile, which
            shows only once they are read.
        levels: The least and the greatest noise level that was removed, where one is known.
    """

    written: int = 0
    failed: int = 0
    written_before: int = 0
    levels: tuple[float, ...] = ()


class _AlreadyWritten(Exception):
    """The file exists, and an earlier run or an earlier attempt has written it."""

    def __init__(self, target: Location) -> None:
        super().__init__(target)
        self.target = target


def denoise(
    denoiser: Denoiser,
    plan: Plan,
    options: Options,
    progress: Progress,
    outcomes: Outcomes | None = None,
) -> Outcome:
    """Denoise photographs and write each of them at once, so that none is ever there in part.

    Args:
        denoiser: Denoises each photograph.
        plan: What to read and where to write it.
        options: How.
        progress: Shows each photograph's progress, or why it failed; the others go on.
        outcomes: Records what became of each; None to record nothing.

    Returns:
        How many photographs were written, and how noisy they were.

    Raises:
        InvalidValue: Standard input is to be read, and is closed.
        StoreError: A store cannot be listed.
        OutputError: Standard output cannot be written.
    """
    run, jobs = _Run(denoiser, options, progress, outcomes or Outcomes()), plan.jobs
    # Outside of the event loop and of threads, where Ctrl-C would wait for the end of input.
    if isinstance(jobs, Sequence) and any(job.source is None and not job.fault for job in jobs):
        if sys.stdin is None:  # `<&-`
            raise InvalidValue("IN: expected an open standard input, received a closed one")
        run.standard_input = sys.stdin.buffer.read()
    asyncio.run(run.all(jobs))
    if run.standard_output:
        standard_output.write(run.standard_output)
    return run.outcome


class _Run:
    def __init__(
        self, denoiser: Denoiser, options: Options, progress: Progress, outcomes: Outcomes
    ) -> None:
        self._denoiser = denoiser
        self._options = options
        self._progress = progress
        self._outcomes = outcomes
        self._turn = asyncio.Lock()
        self._next = asyncio.Lock()
        self.standard_input = self.standard_output = b""
        self.outcome = Outcome()

    async def all(self, jobs: Iterable[Job]) -> None:
        remaining = iter(jobs)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(MAX_LOADED):
                    group.create_task(self._work(remaining))
        except ExceptionGroup as errors:  # what lists a store failed
            raise errors.exceptions[0] from None
        finally:
            await self._denoiser.idle()

    async def _work(self, jobs: Iterator[Job]) -> None:
        while True:
            async with self._next:  # a listing of a store is waited for in a thread
                job = await asyncio.to_thread(next, jobs, None)
            if job is None:
                return
            try:
                target, levels, warning = await self._one(job)
            except _AlreadyWritten as found:
                self.outcome.written_before += 1
                self._outcomes.written_before(job, found.target)
            except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
                problem = str(error) or type(error).__name__
                self.outcome.failed += 1
                self._progress.failed(job, problem)
                self._outcomes.failed(job, problem)
            else:
                self.outcome.written += 1
                if seen := (*self.outcome.levels, *levels):
                    self.outcome.levels = (min(seen), max(seen))
                self._progress.finished(job)
                self._outcomes.written(job, target, levels, warning)

    async def _one(self, job: Job) -> tuple[Location | None, list[float], str | None]:
        """Denoise a photograph and write it.

        Returns:
            Where, the noise level that was removed, and what reading it warned of.
        """
        if job.fault:
            raise InvalidValue(job.fault)
        photograph, pixels, media_type = await asyncio.to_thread(self._read, job)
        target = await asyncio.to_thread(self._target, job, media_type)
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
            overwrite = self._options.overwrite
            try:
                await asyncio.to_thread(location.write, file, target, overwrite=overwrite)
            except Exists:
                is_planned = job.is_settled and target == job.target
                if not (self._options.resume or (self._options.is_repeatable and is_planned)):
                    raise
                raise _AlreadyWritten(target) from None
        return target, [noise.sigma for noise in result.noise], photograph.warning

    def _target(self, job: Job, media_type: str) -> Location | None:
        """Return the file to write: another one where the plan could not tell the format."""
        if job.target is None or job.source is None:
            return job.target
        if job.is_settled and fits(job.target, media_type):
            return job.target
        wanted = job.target.with_name(job.source.name)
        target = job.targets.take(wanted, media_type, late=True)
        if not self._options.overwrite and location.exists(target):  # before it is denoised
            if self._options.resume:
                raise _AlreadyWritten(target)
            if self._options.is_repeatable:
                return target
            raise InvalidValue(f"expected a new file to write, received {target}, which exists")
        return target

    def _read(self, job: Job) -> tuple[Photograph, Samples, str]:
        """Return what of a photograph to write, the pixels of all of it, and the media type."""
        body = self.standard_input if job.source is None else location.read(job.source)
        photograph = read(body, self._options.max_pixels, self._options.policy)
        if photograph.warning:
            self._progress.warned(job, photograph.warning)
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
