"""The command `denoise` on a cluster of Ray: an actor reads, denoises and writes photographs."""

import argparse
import contextlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from service.errors import InvalidValue, StartupError
from service.files import command, streamed
from service.files.denoise import Options, Outcome, denoise
from service.files.location import Location, exists, place
from service.files.outcomes import Line, Outcomes
from service.files.plan import Job, Plan
from service.files.progress import Progress, photographs_bar, report
from service.images.formats import BY_NAME
from service.inference.device import Execution
from service.inference.loader import load
from service.ray import pool
from service.ray.batch_arguments import actors, check_streams
from service.settings import Settings

BLOCK = 8
"""Photographs of a call, which are done again if its process ends."""


class Worker:
    """Denoises photographs in a process of a cluster."""

    def __init__(
        self, folder: Path, execution: Execution, options: Options, digests: list[str]
    ) -> None:
        """Load the model.

        Args:
            folder: Its folder, on each machine.
            execution: The device and its options.
            options: How photographs are denoised.
            digests: Of its graphs.

        Raises:
            StartupError: It cannot be loaded, or is another one.
        """
        model = load(folder, execution=execution)
        received = [each.sha256 for each in model.manifest.operations.values()]
        if model.denoiser is None or received != digests:
            raise StartupError(f"{folder}: expected the same model on every machine")
        self._denoiser = model.denoiser
        # The plan has found that no file was there: one that is comes from this run.
        self._options = replace(options, resume=not options.overwrite)

    def __call__(self, jobs: Iterable[Job]) -> list[Line]:
        """Denoise photographs; return what became of each.

        What an earlier attempt has written, whose process ended before it told, is not done again;
        nor is it written again where that attempt goes on meanwhile.
        """
        done, left = _Collected(), []
        for job in jobs:
            if self._options.resume and job.is_settled and job.target and exists(job.target):
                done.there(job, job.target)
            else:
                left.append(job)
        with _Silent(()) as progress:
            denoise(self._denoiser, Plan(left), self._options, progress, done)
        return done.lines


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Run the command as files.command.run() does, on a cluster.

    Raises:
        StartupError: Also where Ray, or its cluster, is missing.
        ServiceError: As there.
    """
    check_streams(options.inputs, options.output)
    inputs, output = list(map(pool.shared, options.inputs)), pool.shared(options.output)
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
    digests = [each.sha256 for each in load(folder).manifest.operations.values()]
    arguments = {
        "folder": folder.absolute(),
        "execution": execution,
        "options": command.chosen(settings, options),
        "digests": digests,
    }
    command.begin(settings, planned)
    outcome, jobs = Outcome(), map(_checked, planned.jobs)
    with (
        pool.connected(wanted.address),
        Outcomes(options.report, append=options.resume, overwrite=options.overwrite) as outcomes,
        photographs_bar() as bar,
    ):
        for line in pool.results(jobs, Worker, arguments, wanted, block=BLOCK):
            outcomes.add(line)
            bar.update()
            if line["status"] == "written":
                outcome.written += 1
                with contextlib.suppress(KeyError):
                    seen = (*outcome.levels, line["sigma"])
                    outcome.levels = (min(seen), max(seen))
            else:
                outcome.failed += 1
                report(f"{line['source']}: {line['problem']}")
    return command.told(planned, outcome, options)


def _checked(job: Job) -> Job:
    """Return a job. Raises InvalidValue where it replaces its source, which cannot be redone."""
    if job.source and job.target and place(job.source) == place(job.target):
        raise InvalidValue(
            f"OUT: expected another folder than IN with --ray, received {job.target}: a photograph "
            "whose process ends would be denoised twice"
        )
    return job


class _Collected(Outcomes):
    """Outcomes in a list."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[Line] = []

    def there(self, job: Job, target: Location) -> None:
        self.written(job, target, [])

    def add(self, line: Line) -> None:
        self.lines.append(line)


class _Silent(Progress):
    """Progress that is told elsewhere."""

    def failed(self, job: Job, fault: str) -> None:
        pass
