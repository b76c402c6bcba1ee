"""The command `encode` on a cluster of Ray: an actor encodes and writes a part at a time."""

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from service.errors import ServiceError
from service.files.codings import command
from service.files.codings.encoder import Encoder
from service.files.codings.inputs import Rows, Shard
from service.files.codings.run import Run
from service.files.location import Location
from service.files.progress import items_bar, report
from service.inference.device import Execution
from service.ray import pool
from service.ray.batch_arguments import actors, check_streams
from service.ray.batch_model import BatchModel
from service.ray.cluster import connected, shared
from service.settings import Settings


@dataclass(frozen=True)
class Part:
    """What became of a shard.

    Attributes:
        number: Its number.
        size: Its items.
        encoded: Those that have codings.
        failed: Those that have none.
        problem: Why it was not written, "" if it was.
    """

    number: int
    size: int
    encoded: int = 0
    failed: int = 0
    problem: str = ""


class Worker:
    """Encodes shards in a process of a cluster."""

    def __init__(self, model: BatchModel, run: Run, cpus: int) -> None:
        """Load the model.

        Args:
            model: The model.
            run: The run.
            cpus: Of this process: other actors of the machine have the rest of it.

        Raises:
            StartupError: It cannot be loaded, or is another one.
        """
        self._run = run
        self._encoder = Encoder(model.load(), run.options, readers=cpus)

    def __call__(self, shards: Iterable[Shard]) -> Iterator[Part]:
        """Write the parts of shards. One whose store fails is told, and the others go on."""
        for shard in shards:
            try:
                encoded, failed = self._run.write(self._encoder, shard)
            except ServiceError as error:
                yield _failed(shard, str(error))
            else:
                yield Part(shard.number, len(shard), encoded, failed)


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Run the command as files.codings.command.run() does, on a cluster.

    Raises:
        StartupError: Also where Ray, or its cluster, is missing.
        ServiceError: As there.
    """
    check_streams(options.inputs, options.output)
    options.output = shared(options.output)
    wanted = actors(options)
    execution = replace(settings.execution, threads=settings.threads or wanted.cpus)
    model, folder = command.loaded(settings, options, Execution())
    encoded = failed = lost = 0
    with connected(wanted):
        batch_model = BatchModel.of(folder, execution, wanted)
        planned, inputs = command.plan(settings, options, model, batch_model.provider)
        written = planned.start()
        listing = replace(planned.listing, shards=())  # only the driver compares them
        run_here = replace(planned, listing=listing)
        arguments = {"model": batch_model, "run": run_here, "cpus": wanted.cpus}
        shards = map(absolute, planned.remaining(inputs, written))
        total = planned.listing.items
        with items_bar(total, min(len(written) * planned.shard, total)) as bar:
            done = pool.results(shards, Worker, arguments, wanted, block=1, failed=_failed)
            for part in done:
                encoded, failed = encoded + part.encoded, failed + part.failed
                bar.update(part.size)
                if part.problem:
                    lost += 1
                    report(f"part-{part.number:05}: {part.problem}")
    status = command.summarize(planned, encoded, failed, len(written))
    if lost:
        report(f"parts that were not written: {lost}; the same command writes them")
    return 1 if lost else status


def _failed(shard: Shard, problem: str) -> Part:
    return Part(shard.number, len(shard), problem=problem)


def absolute(shard: Shard) -> Shard:
    """Return a shard whose files are named as all machines see them: paths from the root on."""
    items = shard.items
    if isinstance(items, Rows):
        file = replace(items.file, source=_absolute(items.file.source))
        return replace(shard, items=replace(items, file=file))
    return replace(
        shard, items=tuple(replace(each, source=_absolute(each.source)) for each in items)
    )


def _absolute(source: Location) -> Location:
    return source.absolute() if isinstance(source, Path) else source
