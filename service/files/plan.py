"""What is to be read, and where each photograph goes, before anything is done."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from service.errors import InvalidValue
from service.images.photograph import JPEG, PNG, WEBP

SUFFIXES = {".png": PNG, ".jpg": JPEG, ".jpeg": JPEG, ".webp": WEBP}
"""How the names of photographs end, in any case; of a format, the first is given."""
STANDARD = "-"
"""Names standard input and standard output."""
ENDS = (os.sep, os.altsep or os.sep)
"""What the name of a folder may end in, and that of a file does not."""


@dataclass(frozen=True)
class Job:
    """A photograph to denoise: source, or standard input where it is None, to target, likewise.

    media_type: the format to write, None for the one that it came in.
    """

    source: Path | None
    target: Path | None
    media_type: str | None

    @property
    def name(self) -> str:
        """What errors name it by."""
        return "standard input" if self.source is None else str(self.source)


@dataclass
class Plan:
    """What can be done, what cannot, each in a line, and how many files in folders are no images.

    has_folders: whether a folder was asked for.
    """

    jobs: list[Job] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    skipped: int = 0
    has_folders: bool = False


def plan(inputs: Sequence[str], output: str, *, media_type: str | None, overwrite: bool) -> Plan:
    """Return what is to be done with files, folders or standard input.

    A photograph of a folder keeps its path below it. What would be written over another one of
    these, or over any file unless overwrite says so, is a fault. Raises InvalidValue for an output
    that is none for these inputs.
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
    """Whether an output is a file's name, or standard output."""
    if output.endswith(ENDS) or Path(output).is_dir():
        return False
    return output == STANDARD or Path(output).suffix.lower() in SUFFIXES


def _check_folder(inputs: Sequence[str], output: str, *, is_alone: bool) -> None:
    path = Path(output)
    if path.exists() and not path.is_dir():
        raise InvalidValue(f"OUT: expected a folder, received the file {output}")
    if STANDARD in inputs:
        raise InvalidValue(
            f"OUT: expected a file's name or {STANDARD} for standard input, received {output}"
        )
    if is_alone and path.suffix and not path.exists() and not output.endswith(ENDS):
        raise InvalidValue(
            f"OUT: expected a name that ends in {', '.join(SUFFIXES)}, received {output}; "
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
            told = SUFFIXES.get(target.suffix.lower())
            if media_type not in (None, told):
                target = target.with_name(
                    (target.stem if told else target.name) + _suffix(media_type)
                )
            found.jobs.append(Job(source, target, media_type))
    found.jobs = list(dict.fromkeys(found.jobs))
    return found


def _walk(folder: Path, output: Path, found: Plan) -> Iterator[tuple[Path, Path]]:
    """The photographs in a folder and below, each with its path from there.

    What is hidden is left out, and the output, which may lie below.
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
    """Move from the jobs to the faults what would be written over something else."""
    targets = {job: os.path.realpath(job.target) for job in found.jobs if job.target}
    sources = {job: os.path.realpath(job.source) for job in found.jobs if job.source}
    asked, read = Counter(targets.values()), set(sources.values())

    def fault(job: Job) -> str:
        if job.target is None:
            return ""
        target = targets[job]
        if asked[target] > 1:
            return "which others would become as well"
        if os.path.lexists(job.target) and not overwrite:
            return "which exists; --overwrite replaces it"
        is_anothers = target in read and target != sources.get(job)
        return "which is to be read as well" if is_anothers else ""

    possible = []
    for job in found.jobs:
        if why := fault(job):
            found.faults.append(
                f"{job.name}: expected a new file to write, received {job.target}, {why}"
            )
        else:
            possible.append(job)
    found.jobs = possible
    return found


def _suffix(media_type: str | None) -> str:
    return next(suffix for suffix, kind in SUFFIXES.items() if kind == media_type)
