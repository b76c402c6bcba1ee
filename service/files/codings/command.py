"""The command `encode`: what it runs, and what it reports.

Imports of what runs it wait until it runs, so that --help comes at once.
"""

import argparse
from typing import TYPE_CHECKING

from service.errors import OperationNotOffered, one_of
from service.settings import Settings

if TYPE_CHECKING:
    from service.files.codings.encoder import Options
    from service.files.codings.inputs import Listing
    from service.files.codings.run import Run
    from service.files.location import Location
    from service.inference.model import Model


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
    from service.files.codings.encoder import Encoder, Options
    from service.files.codings.inputs import Inputs
    from service.files.codings.part_files import check
    from service.files.codings.run import ERRORS
    from service.files.location import located
    from service.files.progress import items_bar, report
    from service.inference.loader import load, locate

    check(options.format)
    folder = locate(settings.models, options.model or settings.default_encode, options.version)
    model = load(folder, execution=settings.execution)
    if "encode" not in model.batchers:
        raise OperationNotOffered(
            f"operation: expected {one_of(model.batchers)} of {model.name}, received encode"
        )
    output = located(options.output)
    inputs = Inputs(options.inputs, output)
    if inputs.array:
        model.batchers["encode"].session.output_shape(inputs.array.shape)
    how = Options(options.fit, settings.max_pixels, settings.max_steps, settings.policy)
    planned = plan(model, how, inputs.listing(), options, output)
    written = planned.begin()
    for line in settings.formats_in_vain():
        report(line)
    encoded = failed = 0
    encoder = Encoder(model, how)
    total = planned.listing.items
    with items_bar(total, min(len(written) * planned.shard, total)) as bar:
        for shard in planned.left(inputs, written):
            done, lacking = planned.write(encoder, shard)
            encoded, failed = encoded + done, failed + lacking
            bar.update(len(shard))
    report(
        f"encoded: {encoded}, failed: {failed}, skipped as other files: {planned.listing.skipped}; "
        f"parts: {planned.parts}, written before: {len(written)}"
    )
    if planned.lacks():
        report(f"what has no coding is told in {output / ERRORS}")
        return 1
    return 0


def plan(
    model: "Model",
    how: "Options",
    listing: "Listing",
    options: argparse.Namespace,
    output: "Location",
) -> "Run":
    """Return the run that a model, inputs and options make."""
    from service.files.codings.encoder import BATCH
    from service.files.codings.part_files import Origin
    from service.files.codings.run import Run

    operation = model.manifest.operations["encode"]
    shape = tuple(each for each in operation.output.shape[1:] if isinstance(each, int))
    settings = {
        "batch": BATCH,
        "fit": how.fit,
        "formats": sorted(how.policy.formats),
        "longest": how.longest,
        "max_pixels": how.max_pixels,
        "provider": model.provider,
    }
    origin = Origin(model.name, model.version, operation.sha256, shape)
    return Run(output, options.format, options.shard, origin, listing, settings)
