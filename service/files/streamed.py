"""The plan of a run over buckets: made while it runs, so that millions of photographs fit.

A listing of a store is sorted, so that names that could become one follow each other, but for what
is in folders that begin as they do: those of one folder that are the same up to their first dot.
Only they are in memory at a time.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path, PurePosixPath

from service.errors import InvalidValue
from service.files.location import Location, canonical, exists, is_within, located
from service.files.objects import Listed, Object
from service.files.plan import (
    STANDARD,
    Job,
    Plan,
    check_folder,
    is_file,
    job_to_file,
    not_new,
    walk,
)
from service.files.targets import Targets
from service.files.urls import is_url
from service.images.formats import SUFFIXES, default_for

WINDOW = 256
"""Photographs of which it is looked up at a time whether their files exist."""
LOOKUPS = 16
"""Of these at once: a store answers one in some milliseconds, and many at once as fast."""

Named = tuple[Location, Location]
"""A file to read, and the file that it would be written to with its own name."""


def plan(
    inputs: Sequence[str],
    output: str,
    *,
    media_type: str | None,
    overwrite: bool,
    resume: bool = False,
) -> Plan:
    """Plan a run as plan.plan() does, with URLs in the place of paths.

    A format is told by the suffix of a name until the file is read. A name that is taken is made
    of the whole name of the source, `a.heic.jpg`, not of a number, as a number depends on all
    others.

    Args:
        inputs: Files and folders, paths or URLs, or "-" for standard input.
        output: A folder; for a single file also a file, or "-" for standard output.
        media_type: The format to write, None for that of each input.
        overwrite: Whether existing files are replaced.
        resume: Whether photographs whose files exist are left.

    Raises:
        InvalidValue: The output does not fit these inputs.
        StoreError: A store cannot be reached, or refuses.
    """
    sources = [None if each == STANDARD else located(each) for each in inputs]
    folders = [is_folder(each, given) for each, given in zip(sources, inputs, strict=True)]
    found = Plan(has_folders=any(folders))
    is_alone = len(inputs) == 1 and not any(folders)
    target = None if output == STANDARD else located(output)
    if isinstance(target, Object) and target.is_web:
        raise InvalidValue(
            f"OUT: expected a path or a bucket that can be written, received {target}"
        )
    jobs: Iterable[Job]
    if is_file(output) and not (isinstance(target, Object) and not target.key):
        if not is_alone:
            raise InvalidValue(f"OUT: expected a folder unless IN is one file, received {output}")
        jobs = [job_to_file(sources[0], target, media_type)]
    else:
        assert target is not None
        check_folder(inputs, output, target, is_alone=is_alone)
        named = [
            _named(source, target, found, is_folder=folder)
            for source, folder in zip(sources, folders, strict=True)
            if source is not None
        ]
        jobs = _jobs(_groups(named, sources, target), media_type)
    if not overwrite:
        jobs = _new(jobs, found, resume=resume)
    found.jobs = list(jobs) if is_alone else jobs
    return found


def is_folder(source: Location | None, given: str) -> bool:
    """Return whether an input is a folder: of a bucket, a prefix that is no object.

    Raises:
        StoreError: Its store cannot be reached, or refuses.
    """
    if isinstance(source, Path):
        return source.is_dir()
    if source is None or source.is_web:
        return False
    if not source.key or given.endswith("/"):
        return True
    return source.found() is None and next(source.below(), None) is not None


def _named(source: Location, output: Location, found: Plan, *, is_folder: bool) -> Iterator[Named]:
    """Return the photographs of an input, each with the name that it would be written to."""
    if not is_folder:
        yield source, output / source.name
    elif isinstance(source, Path):
        excluded = output if isinstance(output, Path) else Path("-")
        for path, inside in walk(source, excluded, found):
            yield path, output / inside.as_posix()
    else:
        for listed, below in listed_below(source, output, found):
            yield listed.object, output / str(below)


def listed_below(
    folder: Object, output: Location, found: Plan
) -> Iterator[tuple[Listed, PurePosixPath]]:
    """Return the photographs below a prefix, each with its path from there.

    Hidden ones are left out, and the output, which may lie below.
    """
    written = f"{output}/" if output != folder and is_within(output, folder) else None
    is_empty = True
    for listed in folder.below():
        each = listed.object
        below = PurePosixPath(each.key).relative_to(folder.key)
        *folders, name = below.parts
        if (written and str(each).startswith(written)) or any(
            part.startswith(".") for part in folders
        ):
            continue
        if name.startswith(".") or each.suffix.lower() not in SUFFIXES:
            found.skipped += 1
            continue
        is_empty = False
        yield listed, below
    if is_empty:
        found.faults.append(f"{folder}: expected files {', '.join(SUFFIXES)} in it, received none")


def _groups(
    named: Sequence[Iterator[Named]], sources: Sequence[Location | None], output: Location
) -> Iterator[tuple[list[Named], Targets]]:
    """Return photographs whose names could become one together, and the names that are taken.

    Where any two could, or one could replace another's source, all are listed first.
    """
    (first, *more), (source, *_) = named, sources
    if not more and not (source and is_within(source, output)):
        for listed in _alike(first):
            yield listed, Targets((each for each, _ in listed), whole=True)
        return
    groups: dict[str, list[Named]] = {}
    for each in dict.fromkeys(itertools.chain(first, *more)):
        groups.setdefault(_beginning(each), []).append(each)
    read = Targets((each for group in groups.values() for each, _ in group), whole=True)
    for listed in groups.values():
        yield listed, read.beside()


def _alike(listing: Iterator[Named]) -> Iterator[list[Named]]:
    """Return those of a sorted listing that begin alike together.

    Between them may be what is in a folder: `a.heic`, `a.jpg/b.png`, `a.png`.
    """
    begun: list[tuple[str, list[Named]]] = []
    for each in listing:
        beginning = _beginning(each)
        while begun and not str(each[1]).startswith(begun[-1][0]):
            yield begun.pop()[1]
        if not begun or begun[-1][0] != beginning:
            begun.append((beginning, []))
        begun[-1][1].append(each)
    while begun:
        yield begun.pop()[1]


def _beginning(named: Named) -> str:
    """Return the path of what is written up to the first dot of its name, with the dot."""
    _, wanted = named
    return str(wanted).removesuffix(wanted.name) + wanted.name.partition(".")[0] + "."


def _jobs(groups: Iterable[tuple[list[Named], Targets]], media_type: str | None) -> Iterator[Job]:
    for group, targets in groups:
        kinds = [media_type or _written_by_name(source) for source, _ in group]
        kept = [
            bool(kind) and targets.keep(wanted, kind or "", source)
            for (source, wanted), kind in zip(group, kinds, strict=True)
        ]
        for (source, wanted), kind, is_kept in zip(group, kinds, kept, strict=True):
            target = targets.take(wanted, kind) if kind and not is_kept else wanted
            yield Job(source, target, media_type, kind is not None, targets)


def _written_by_name(source: Location) -> str | None:
    """Return the format that a file of this name is written in, None if the name tells none."""
    kind = SUFFIXES.get(source.suffix.lower())
    return kind and default_for(kind)


def _new(jobs: Iterable[Job], found: Plan, *, resume: bool) -> Iterator[Job]:
    """Return jobs that write new files; the others, unless a run is resumed, as faults."""
    remaining = iter(jobs)
    with ThreadPoolExecutor(LOOKUPS) as pool:
        while window := list(itertools.islice(remaining, WINDOW)):
            for job, is_there in zip(window, pool.map(_is_there, window), strict=True):
                if not is_there:
                    yield job
                elif (
                    resume
                    and job.source
                    and job.target
                    and canonical(job.source) != canonical(job.target)
                ):
                    found.written_before += 1
                else:
                    fault = f"{not_new(job)}, which exists; --overwrite replaces it"
                    yield replace(job, fault=fault)


def _is_there(job: Job) -> bool:
    return job.target is not None and job.is_settled and exists(job.target)


def has_urls(*given: str) -> bool:
    """Return whether one of some names is a URL."""
    return any(map(is_url, given))
