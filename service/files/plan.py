"""The plan of a run: which photographs are read, and where each is written."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from service.errors import InvalidValue
from service.images.formats import SUFFIXES, default_for, written

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
    """

    source: Path | None
    target: Path | None
    media_type: str | None

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
    """

    jobs: list[Job] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    skipped: int = 0
    has_folders: bool = False


def plan(inputs: Sequence[str], output: str, *, media_type: str | None, overwrite: bool) -> Plan:
    """Plan a run.

    A photograph in a folder keeps its path below it. One that would replace another of these, or an
    existing file without overwrite, is a fault.

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
    for path in map(Path, inputs):
        sources: Iterator[tuple[Path, Path]] = iter([(path, Path(path.name))])
        if path.is_dir():
            found.has_folders = True
            sources = _walk(path, output, found)
        for source, below in sources:
            target = output / below
            present = SUFFIXES.get(target.suffix.lower())
            wanted = media_type or (present and default_for(present))
            if wanted not in (None, present):
                target = target.with_name(
                    (target.stem if present else target.name) + _suffix(wanted)
                )
            found.jobs.append(Job(source, target, media_type))
    found.jobs = list(dict.fromkeys(found.jobs))
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
    targets = {job: os.path.realpath(job.target) for job in found.jobs if job.target}
    sources = {job: os.path.realpath(job.source) for job in found.jobs if job.source}
    writers, read = Counter(targets.values()), set(sources.values())

    def fault(job: Job) -> str:
        if job.target is None:
            return ""
        target = targets[job]
        if writers[target] > 1:
            return "which others would become as well"
        if os.path.lexists(job.target) and not overwrite:
            return "which exists; --overwrite replaces it"
        is_anothers = target in read and target != sources.get(job)
        return "which is to be read as well" if is_anothers else ""

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
