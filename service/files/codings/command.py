"""The command `encode`: what it runs, and what it reports.

Imports of what runs it wait until it runs, so that --help comes at once.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from service.errors import OperationNotOffered, one_of
from service.settings import Settings

if TYPE_CHECKING:
    from service.files.codings.inputs import Inputs
    from service.files.codings.run import Run
    from service.inference.device import Execution
    from service.inference.model import LoadedModel


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Run the command.

    Args:
        settings: Settings of the service.
        options: Arguments that arguments.add() has defined.

    Returns:
        The exit status: 0, or 1 if an item has no coding.

    Raises:
        StartupError: The model cannot be loaded, or the package of a format is missing.
        StoreError: A store cannot be reached, or refuses.
        ServiceError: The options cannot be used.
    """
    from service.files.codings.encoder import Encoder
    from service.files.progress import items_bar

    model, _ = loaded(settings, options, settings.execution)
    planned, inputs = plan(settings, options, model, model.provider)
    written, encoder = planned.start(), Encoder(model, planned.options)
    total, encoded, failed = planned.listing.items, 0, 0
    with items_bar(total, min(len(written) * planned.shard, total)) as bar:
        for shard in planned.remaining(inputs, written):
            done, without = planned.write(encoder, shard)
            encoded, failed = encoded + done, failed + without
            bar.update(len(shard))
    return summarize(planned, encoded, failed, len(written))


def loaded(
    settings: Settings, options: argparse.Namespace, execution: "Execution"
) -> "tuple[LoadedModel, Path]":
    """Return the model that encodes, and its folder.

    Raises:
        StartupError: It cannot be loaded, or the package of a format is missing.
        OperationNotOffered: It does not encode.
    """
    from service.files.codings.part_files import check
    from service.files.progress import report
    from service.inference.loader import load, locate

    check(options.format)
    folder = locate(settings.models, options.model or settings.default_encode, options.version)
    model = load(folder, execution=execution)
    if "encode" not in model.batchers:
        raise OperationNotOffered(
            f"operation: expected {one_of(model.batchers)} of {model.name}, received encode"
        )
    for line in settings.formats_in_vain():
        report(line)
    return model, folder


def plan(
    settings: Settings, options: argparse.Namespace, model: "LoadedModel", provider: str
) -> "tuple[Run, Inputs]":
    """Return the run that settings, options and a model make, and what it encodes.

    Args:
        settings: Settings of the service.
        options: Arguments that arguments.add() has defined.
        model: The model.
        provider: The execution provider that runs it, by ONNX Runtime's name.

    Raises:
        ServiceError: The inputs cannot be encoded, or not be listed.
    """
    from service.files.codings.encoder import Options
    from service.files.codings.inputs import Inputs
    from service.files.codings.part_files import Origin
    from service.files.codings.preprocessing import preprocessing
    from service.files.codings.run import Run
    from service.files.location import located

    output = located(options.output)
    inputs = Inputs(options.inputs, output)
    if inputs.array:
        model.batchers["encode"].session.output_shape(inputs.array.shape)
    operation = model.manifest.operations["encode"]
    shape = tuple(each for each in operation.output.shape[1:] if isinstance(each, int))
    origin = Origin(model.name, model.version, operation.sha256, shape)
    how = Options(options.fit, settings.max_pixels, settings.max_steps, settings.policy)
    listing = inputs.listing(options.shard)
    prepared = preprocessing(model.manifest, fit=options.fit)
    run = Run(output, options.format, options.shard, origin, prepared, listing, how, provider)
    return run, inputs


def summarize(planned: "Run", encoded: int, failed: int, written: int) -> int:
    """Report the counts of a run, and return its exit status.

    Args:
        planned: The run.
        encoded: Items that have codings now.
        failed: Items that have none.
        written: Parts that were written before.
    """
    from service.files.codings.run import ERRORS
    from service.files.progress import report

    report(
        f"encoded: {encoded}, failed: {failed}, skipped as other files: {planned.listing.skipped}; "
        f"parts: {planned.parts}, written before: {written}"
    )
    if planned.has_errors():
        report(f"items without codings are listed in {planned.output / ERRORS}")
        return 1
    return 0
