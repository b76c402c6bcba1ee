"""The plan of a run: which photographs are read, and where each is written."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from service.errors import InvalidValue
from service.files.location import Location
from service.files.targets import Targets, written_for
from service.images.formats import SUFFIXES, written

STANDARD = "-"
"""The name of standard input and standard output."""
SEPARATORS = (os.sep, "/")
"""A name that ends in one is a folder's."""


@dataclass(frozen=True)
class Job:
    """A photograph to denoise.

    Attributes:
        source: The file to read, None for standard input.
        target: The file to write, None for standard output.
        media_type: The format to write, None for that of the source.
        is_settled: Whether the target's name is one that no other has.
        targets: The names that are taken beside it.
        fault: Why it cannot be done, "" if it can.
    """

    source: Location | None
    target: Location | None
    media_type: str | None
    is_settled: bool = True
    targets: Targets = field(default_factory=lambda: Targets(()), compare=False)
    fault: str = ""

    @property
    def name(self) -> str:
        """Its name in errors."""
        return "standard input" if self.source is None else str(self.source)


@dataclass
class Plan:
    """What a run does.

    Attributes:
        jobs: The photographs to denoise, and those with faults; of a streamed plan, an iterator
            that can be used once.
        faults: Which inputs cannot be listed, a line each; a streamed plan adds to them as it goes
            on.
        skipped: Files in folders that are not photographs.
        written_before: Photographs that were written before, by a run that is resumed.
        has_folders: Whether an input is a folder.
        reported: How many of the faults have been reported.
    """

    jobs: Iterable[Job] = ()
    faults: list[str] = field(default_factory=list)
    skipped: int = 0
    written_before: int = 0
    has_folders: bool = False
    reported: int = 0


def plan(
    inputs: Sequence[str],
    output: str,
    *,
    media_type: str | None,
    overwrite: bool,
    resume: bool = False,
) -> Plan:
    """Plan a run.

    A photograph in a folder keeps its path below it. Its suffix is that of what is written; where
    two would get one name, or one would replace another that is to be read, the one that has the
    name keeps it, and the other gets a number. One that would replace an existing file without
    overwrite is a fault, or is left where a run is resumed.

    Args:
        inputs: Files, folders, or "-" for standard input.
        output: A folder; for a single file also a file, or "-" for standard output.
        media_type: The format to write, None for that of each input.
        overwrite: Whether existing files are replaced.
        resume: Whether photographs whose files exist are left.

    Raises:
        InvalidValue: The output does not fit these inputs.
    """
    is_alone = len(inputs) == 1 and not Path(inputs[0]).is_dir()
    if is_file(output):
        if not is_alone:
            raise InvalidValue(f"OUT: expected a folder unless IN is one file, received {output}")
        source = None if inputs[0] == STANDARD else Path(inputs[0])
        target = None if output == STANDARD else Path(output)
        return _checked([job_to_file(source, target, media_type)], Plan(), overwrite, resume)
    check_folder(inputs, output, Path(output), is_alone=is_alone)
    found = Plan()
    return _checked(_into_folder(inputs, Path(output), media_type, found), found, overwrite, resume)


def is_file(output: str) -> bool:
    """Return whether an output is a file or standard output."""
    if output.endswith(SEPARATORS) or Path(output).is_dir():
        return False
    return output == STANDARD or SUFFIXES.get(Path(output).suffix.lower()) in written()


def check_folder(inputs: Sequence[str], output: str, target: Location, *, is_alone: bool) -> None:
    """Raise InvalidValue where an output cannot be the folder of these inputs.

    Args:
        inputs: As they are given.
        output: As it is given.
        target: The same, located.
        is_alone: Whether the input is one file.
    """
    if STANDARD in inputs:
        raise InvalidValue(
            f"OUT: expected a file's name or {STANDARD} for standard input, received {target}"
        )
    if isinstance(target, Path) and target.exists():
        if not target.is_dir():
            raise InvalidValue(f"OUT: expected a folder, received the file {target}")
    elif is_alone and target.suffix and not output.endswith(SEPARATORS):
        raise InvalidValue(
            f"OUT: expected a name that ends in {', '.join(writable())}, received {target}; "
            f"if it is to be a folder, {target}/"
        )


def job_to_file(source: Location | None, target: Location | None, media_type: str | None) -> Job:
    """Return the job of one photograph; its target's name says the format.

    Raises:
        InvalidValue: Another format is asked for.
    """
    if target is None:
        return Job(source, None, media_type)
    named = SUFFIXES[target.suffix.lower()]
    if media_type not in (None, named):
        raise InvalidValue(
            f"OUT: expected a name that ends in {_suffix(media_type)}, received {target}"
        )
    return Job(source, target, named)


def _into_folder(
    inputs: Sequence[str], output: Path, media_type: str | None, found: Plan
) -> list[Job]:
    named: list[tuple[Path, Path]] = []
    for path in map(Path, inputs):
        sources: Iterator[tuple[Path, Path]] = iter([(path, Path(path.name))])
        if path.is_dir():
            found.has_folders = True
            sources = walk(path, output, found)
        named += [(source, output / below) for source, below in sources]
    named = list(dict.fromkeys(named))
    targets = Targets(source for source, _ in named)
    kinds = [media_type or written_for(source) for source, _ in named]
    placed: list[Path | None] = [
        wanted if kind and targets.keep(wanted, kind, source) else None
        for (source, wanted), kind in zip(named, kinds, strict=True)
    ]
    jobs = []
    for (source, wanted), kind, target in zip(named, kinds, placed, strict=True):
        # What cannot be told by now has no name to hold: it gets one once it has been read.
        name = target or (targets.take(wanted, kind) if kind else wanted)
        jobs.append(Job(source, name, media_type, kind is not None, targets))
    return jobs


def walk(folder: Path, output: Path, found: Plan) -> Iterator[tuple[Path, Path]]:
    """Return the photographs in a folder and below, each with its path from there.

    Hidden files and folders are left out, and the output, which may lie below.
    """

    def failed(error: OSError) -> None:
        found.faults.append(
            f"{error.filename}: expected a folder that can be read, received: {error.strerror}"
        )

    is_empty = True
    written = output.resolve()
    for parent, folders, files in os.walk(folder, onerror=failed):
        here = Path(parent)
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and (here / name).resolve() != written
        )
        for path in (here / name for name in sorted(files)):
            is_photograph = path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
            if is_photograph and path.is_file():
                is_empty = False
                yield path, path.relative_to(folder)
            else:
                found.skipped += 1
    if is_empty:
        found.faults.append(f"{folder}: expected files {', '.join(SUFFIXES)} in it, received none")


def _checked(jobs: list[Job], found: Plan, overwrite: bool, resume: bool) -> Plan:
    """Give jobs that would overwrite something their faults, and leave what is resumed."""
    settled = [job for job in jobs if job.target and job.is_settled]
    targets = {job: os.path.realpath(str(job.target)) for job in settled}
    writers = Counter(targets.values())
    checked = []
    for job in jobs:
        is_there = job in targets and os.path.lexists(str(job.target)) and not overwrite
        if job in targets and writers[targets[job]] > 1:  # by links
            fault = f"{not_new(job)}, which others would become as well"
            checked.append(replace(job, fault=fault))
        elif is_there and resume and os.path.realpath(str(job.source)) != targets[job]:
            found.written_before += 1
        elif is_there:
            fault = f"{not_new(job)}, which exists; --overwrite replaces it"
            checked.append(replace(job, fault=fault))
        else:
            checked.append(job)
    found.jobs = checked
    return found


def not_new(job: Job) -> str:
    """Return how the error begins of a job whose target must not be written."""
    return f"expected a new file to write, received {job.target}"


def writable() -> list[str]:
    """Return the suffixes of formats that can be written."""
    return [suffix for suffix, kind in SUFFIXES.items() if kind in written()]


def _suffix(media_type: str | None) -> str:
    return next(suffix for suffix, kind in SUFFIXES.items() if kind == media_type)
