"""The plan of a run: which photographs are read, and where each is written."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from service.errors import InvalidValue
from service.files.targets import Targets, written_for
from service.images.formats import SUFFIXES, written

STANDARD = "-"
"""The name of standard input and standard output."""
SEPARATORS = (os.sep, os.altsep or os.sep)
"""A name that ends in one is a folder's."""


@dataclass(frozen=True)
class Job:
    """A photograph to denoise.

    Attributes:
        source: The file to read, None for standard input.
        target: The file to write, None for standard output.
        media_type: The format to write, None for that of the source.
        is_settled: Whether the target's name is one that no other has.
    """

    source: Path | None
    target: Path | None
    media_type: str | None
    is_settled: bool = True

    @property
    def name(self) -> str:
        """Its name in errors."""
        return "standard input" if self.source is None else str(self.source)


@dataclass
class Plan:
    """What a run does.

    Attributes:
        jobs: The photographs to denoise.
        faults: Why others cannot be, a line each.
        skipped: Files in folders that are not photographs.
        has_folders: Whether an input is a folder.
        targets: The names of the files to write.
    """

    jobs: list[Job] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    skipped: int = 0
    has_folders: bool = False
    targets: Targets = field(default_factory=lambda: Targets(()))


def plan(inputs: Sequence[str], output: str, *, media_type: str | None, overwrite: bool) -> Plan:
    """Plan a run.

    A photograph in a folder keeps its path below it. Its suffix is that of what is written; where
    two would get one name, or one would replace another that is to be read, the one that has the
    name keeps it, and the other gets a number. One that would replace an existing file without
    overwrite is a fault.

    Args:
        inputs: Files, folders, or "-" for standard input.
        output: A folder; for a single file also a file, or "-" for standard output.
        media_type: The format to write, None for that of each input.
        overwrite: Whether existing files are replaced.

    Raises:
        InvalidValue: The output does not fit these inputs.
    """
    is_alone = len(inputs) == 1 and not Path(inputs[0]).is_dir()
    if _is_file(output):
        if not is_alone:
            raise InvalidValue(f"OUT: expected a folder unless IN is one file, received {output}")
        found = Plan([_job_to_file(inputs[0], output, media_type)])
    else:
        _check_folder(inputs, output, is_alone=is_alone)
        found = _into_folder(inputs, Path(output), media_type)
    return _checked(found, overwrite=overwrite)


def _is_file(output: str) -> bool:
    """Whether an output is a file or standard output."""
    if output.endswith(SEPARATORS) or Path(output).is_dir():
        return False
    return output == STANDARD or SUFFIXES.get(Path(output).suffix.lower()) in written()


def _check_folder(inputs: Sequence[str], output: str, *, is_alone: bool) -> None:
    path = Path(output)
    if path.exists() and not path.is_dir():
        raise InvalidValue(f"OUT: expected a folder, received the file {output}")
    if STANDARD in inputs:
        raise InvalidValue(
            f"OUT: expected a file's name or {STANDARD} for standard input, received {output}"
        )
    if is_alone and path.suffix and not path.exists() and not output.endswith(SEPARATORS):
        raise InvalidValue(
            f"OUT: expected a name that ends in {', '.join(_writable())}, received {output}; "
            f"if it is to be a folder, {output}{os.sep}"
        )


def _job_to_file(given: str, output: str, media_type: str | None) -> Job:
    source = None if given == STANDARD else Path(given)
    if output == STANDARD:
        return Job(source, None, media_type)
    named = SUFFIXES[Path(output).suffix.lower()]
    if media_type not in (None, named):
        raise InvalidValue(
            f"OUT: expected a name that ends in {_suffix(media_type)}, received {output}"
        )
    return Job(source, Path(output), named)


def _into_folder(inputs: Sequence[str], output: Path, media_type: str | None) -> Plan:
    found = Plan()
    named: list[tuple[Path, Path]] = []
    for path in map(Path, inputs):
        sources: Iterator[tuple[Path, Path]] = iter([(path, Path(path.name))])
        if path.is_dir():
            found.has_folders = True
            sources = _walk(path, output, found)
        named += [(source, output / below) for source, below in sources]
    named = list(dict.fromkeys(named))
    found.targets = targets = Targets(source for source, _ in named)
    kinds = [media_type or written_for(source) for source, _ in named]
    placed: list[Path | None] = [
        wanted if kind and targets.keep(wanted, kind, source) else None
        for (source, wanted), kind in zip(named, kinds, strict=True)
    ]
    for (source, wanted), kind, target in zip(named, kinds, placed, strict=True):
        # What cannot be told by now has no name to hold: it gets one once it has been read.
        name = target or (targets.take(wanted, kind) if kind else wanted)
        found.jobs.append(Job(source, name, media_type, is_settled=kind is not None))
    return found


def _walk(folder: Path, output: Path, found: Plan) -> Iterator[tuple[Path, Path]]:
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


def _checked(found: Plan, *, overwrite: bool) -> Plan:
    """Turn jobs that would overwrite something into faults."""
    settled = [job for job in found.jobs if job.target and job.is_settled]
    targets = {job: os.path.realpath(job.target) for job in settled if job.target}
    writers = Counter(targets.values())

    def fault(job: Job) -> str:
        if job not in targets or job.target is None:
            return ""
        if writers[targets[job]] > 1:  # by links
            return "which others would become as well"
        if os.path.lexists(job.target) and not overwrite:
            return "which exists; --overwrite replaces it"
        return ""

    possible = []
    for job in found.jobs:
        if reason := fault(job):
            found.faults.append(
                f"{job.name}: expected a new file to write, received {job.target}, {reason}"
            )
        else:
            possible.append(job)
    found.jobs = possible
    return found


def _writable() -> list[str]:
    """Return the suffixes of formats that can be written."""
    return [suffix for suffix, kind in SUFFIXES.items() if kind in written()]


def _suffix(media_type: str | None) -> str:
    return next(suffix for suffix, kind in SUFFIXES.items() if kind == media_type)
