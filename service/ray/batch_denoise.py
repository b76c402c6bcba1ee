"""The command `denoise` on a cluster of Ray: an actor reads, denoises and writes photographs."""

import argparse
import contextlib
from collections.abc import Iterable
from dataclasses import replace

from service.errors import InvalidValue
from service.files import command, streamed
from service.files.denoise import Options, Outcome, denoise
from service.files.location import Location, canonical, exists
from service.files.outcomes import Line, Outcomes, failure
from service.files.plan import Job, Plan
from service.files.progress import Progress, photographs_bar, report
from service.images.formats import BY_NAME
from service.inference.device import Execution
from service.ray import pool
from service.ray.batch_arguments import actors, check_streams
from service.ray.batch_model import BatchModel
from service.ray.cluster import connected, shared
from service.settings import Settings

BLOCK = 8
"""Photographs of a call, which are done again if its process ends."""
WRITTEN_BEFORE = "written before"
"""The status of a photograph whose file was there before the run, which the driver counts."""


class Worker:
    """Denoises photographs in a process of a cluster."""

    def __init__(self, model: BatchModel, options: Options) -> None:
        """Load the model.

        Args:
            model: The model.
            options: How photographs are denoised.

        Raises:
            StartupError: It cannot be loaded, or is another one.
        """
        self._denoiser = model.load().photographs()
        self._options = replace(options, is_repeatable=not options.overwrite)

    def __call__(self, jobs: Iterable[Job]) -> list[Line]:
        """Denoise photographs; return what became of each, in order.

        Where the plan has found no file and there is one now, an earlier attempt has written it,
        whose process ended before it told so: it is not done again, nor written again where that
        attempt goes on meanwhile.
        """
        jobs = list(jobs)
        done, left = _Collected(), []
        for job in jobs:
            if job.target and self._is_written(job, job.target):
                done.written_before(job, job.target)
            else:
                left.append(job)
        with _Silent(()) as progress:
            denoise(self._denoiser, Plan(left), self._options, progress, done)
        return [done.lines[job] for job in jobs]

    def _is_written(self, job: Job, target: Location) -> bool:
        """Return whether an earlier attempt has written a photograph, if the plan knew its name."""
        is_planned = job.is_settled and not job.fault
        return self._options.is_repeatable and is_planned and exists(target)


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Run the command as files.command.run() does, on a cluster.

    Raises:
        StartupError: Also where Ray, or its cluster, is missing.
        ServiceError: As there.
    """
    check_streams(options.inputs, options.output)
    inputs, output = list(map(shared, options.inputs)), shared(options.output)
    wanted = actors(options)
    execution = replace(settings.execution, threads=settings.threads or wanted.cpus)
    planned = streamed.plan(
        inputs,
        output + "/" * options.output.endswith("/"),
        media_type=options.format and BY_NAME[options.format].media_type,
        overwrite=options.overwrite,
        resume=options.resume,
    )
    _, folder = command.loaded(settings, options, Execution())
    command.report_faults(settings, planned)
    outcome, jobs = Outcome(), map(_checked, planned.jobs)
    with (
        connected(wanted),
        Outcomes(options.report, append=options.resume, overwrite=options.overwrite) as outcomes,
        photographs_bar() as bar,
    ):
        arguments = {
            "model": BatchModel.of(folder, execution, wanted),
            "options": command.denoising_options(settings, options),
        }
        done = pool.results(jobs, Worker, arguments, wanted, block=BLOCK, failed=failure)
        for line in done:
            bar.update()
            if line["status"] == WRITTEN_BEFORE:  # it has a line since it was written
                outcome.written_before += 1
                continue
            outcomes.add(line)
            if warning := line.get("warning"):
                report(f"{line['source']}: {warning}")
            if line["status"] == "written":
                outcome.written += 1
                with contextlib.suppress(KeyError):
                    seen = (*outcome.levels, line["sigma"])
                    outcome.levels = (min(seen), max(seen))
            else:
                outcome.failed += 1
                report(f"{line['source']}: {line['problem']}")
    return command.summarize(planned, outcome, options)


def _checked(job: Job) -> Job:
    """Return a job. Raises InvalidValue where it replaces its source, which cannot be redone."""
    if job.source and job.target and canonical(job.source) == canonical(job.target):
        raise InvalidValue(
            f"OUT: expected another folder than IN with --ray, received {job.target}: a photograph "
            "whose process ends would be denoised twice"
        )
    return job


class _Collected(Outcomes):
    """Outcomes by job."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[Job, Line] = {}

    def written_before(self, job: Job, target: Location) -> None:
        if job.is_settled and target == job.target:  # the plan has found none: it is this run's
            self.written(job, target, [])
        else:
            self.record(job, {"source": job.name, "target": str(target), "status": WRITTEN_BEFORE})

    def record(self, job: Job, line: Line) -> None:
        self.lines[job] = line


class _Silent(Progress):
    """Progress that the driver shows, of the lines that it receives."""

    def failed(self, job: Job, fault: str) -> None:
        pass

    def warned(self, job: Job, warning: str) -> None:
        pass
