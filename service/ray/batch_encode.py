"""The command `encode` on a cluster of Ray: an actor encodes and writes a part at a time."""

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from service.errors import ServiceError, StartupError
from service.files.codings import command
from service.files.codings.encoder import Encoder
from service.files.codings.inputs import Picture, Rows, Shard
from service.files.codings.run import Run
from service.files.location import located
from service.files.progress import items_bar, report
from service.inference.device import Execution
from service.inference.loader import load
from service.ray import pool
from service.ray.batch_arguments import actors, check_streams
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

    def __init__(self, folder: Path, execution: Execution, run: Run) -> None:
        """Load the model.

        Args:
            folder: Its folder, on each machine.
            execution: The device and its options.
            run: The run.

        Raises:
            StartupError: It cannot be loaded, or is not the run's.
        """
        model = load(folder, execution=execution)
        check(run, model.manifest.operations["encode"].sha256, model.provider)
        self._run = run
        self._encoder = Encoder(model, run.options)

    def __call__(self, shards: Iterable[Shard]) -> Iterator[Part]:
        """Write the parts of shards. One whose store fails is told, and the others go on."""
        for shard in shards:
            try:
                encoded, failed = self._run.write(self._encoder, shard)
            except ServiceError as error:
                yield Part(shard.number, len(shard), problem=str(error))
            else:
                yield Part(shard.number, len(shard), encoded, failed)


def check(run: Run, sha256: str, provider: str) -> None:
    """Raise StartupError where a machine has another model, or runs it in another way."""
    expected, received = (run.origin.sha256, run.provider), (sha256, provider)
    if expected != received:
        raise StartupError(
            f"model: expected {' on '.join(expected)} on every machine, received "
            f"{' on '.join(received)}"
        )


def provider(folder: Path, execution: Execution) -> str:
    """Return the execution provider that runs a model in this process."""
    return load(folder, execution=execution).provider


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Run the command as files.codings.command.run() does, on a cluster.

    Raises:
        StartupError: Also where Ray, or its cluster, is missing.
        ServiceError: As there.
    """
    check_streams(options.inputs, options.output)
    options.output = pool.shared(options.output)
    wanted = actors(options)
    execution = replace(settings.execution, threads=settings.threads or wanted.cpus)
    model, folder = command.loaded(settings, options, Execution())
    folder = folder.absolute()
    encoded = failed = lost = 0
    with pool.connected(wanted.address):
        used = pool.once(wanted, provider, folder, execution)
        planned, inputs = command.plan(settings, options, model, used)
        written = planned.begin()
        arguments = {"folder": folder, "execution": execution, "run": planned}
        shards = map(_shared, planned.left(inputs, written))
        total = planned.listing.items
        with items_bar(total, min(len(written) * planned.shard, total)) as bar:
            for part in pool.results(shards, Worker, arguments, wanted, block=1):
                encoded, failed = encoded + part.encoded, failed + part.failed
                bar.update(part.size)
                if part.problem:
                    lost += 1
                    report(f"part-{part.number:05}: {part.problem}")
    status = command.told(planned, encoded, failed, len(written))
    if lost:
        report(f"parts that were not written: {lost}; the same command writes them")
    return 1 if lost else status


def _shared(shard: Shard) -> Shard:
    """Return a shard whose files are named as all machines see them."""
    items = shard.items
    if isinstance(items, Rows):
        file = replace(items.file, source=located(pool.shared(str(items.file.source))))
        return replace(shard, items=replace(items, file=file))
    return replace(shard, items=tuple(map(_shared_picture, items)))


def _shared_picture(picture: Picture) -> Picture:
    source = picture.source
    return replace(picture, source=source.absolute()) if isinstance(source, Path) else picture
