"""The command `denoise`: what it runs, and what it reports.

Imports of what runs it wait until it runs, so that --help comes at once.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from service import standard_output
from service.errors import InvalidValue, OperationNotOffered
from service.images.formats import BY_NAME
from service.inference.tiling.controls import Controls
from service.manifest import PHOTO, Manifest
from service.settings import Settings


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Run the command.

    Args:
        settings: Settings of the service.
        options: Arguments that arguments.add() has defined.

    Returns:
        The exit status: 0, or 1 if a photograph failed.

    Raises:
        StartupError: The model cannot be loaded.
        ServiceError: The options cannot be used.
    """
    from service.files import plan, streamed
    from service.files.denoise import Options, denoise
    from service.files.outcomes import Outcomes
    from service.files.plan import STANDARD
    from service.files.progress import Progress, is_terminal, report
    from service.inference.loader import find, load, locate

    if options.output == STANDARD and standard_output.opened().isatty():
        raise InvalidValue("OUT: expected a file or a pipe behind -, received a terminal")
    has_urls = streamed.has_urls(*options.inputs, options.output)
    planned = (streamed.plan if has_urls else plan.plan)(
        options.inputs,
        options.output,
        media_type=options.format and BY_NAME[options.format].media_type,
        overwrite=options.overwrite,
        resume=options.resume,
    )
    name = options.model or settings.default_picture or PHOTO
    folder = locate(settings.models, name, options.version)
    model = load(folder, execution=settings.execution)
    denoiser = model.denoiser
    if denoiser is None:
        able = dict.fromkeys(filter(None, map(_denoiser_in, find(settings.models))))
        raise OperationNotOffered(
            "model: expected one that denoises photographs "
            f"({', '.join(able) or 'none does'}), received {name}"
        )
    denoiser.check_sigma(options.sigma)
    how = Options(
        sigma=options.sigma,
        controls=Controls(
            options.strength, options.luma, options.chroma, options.effort, options.region
        ),
        quality=options.quality,
        max_pixels=settings.max_pixels,
        policy=settings.policy,
        overwrite=options.overwrite,
        resume=options.resume,
    )
    reported = list(planned.faults)
    for line in (*settings.formats_in_vain(), *reported):
        report(line)
    append, overwrite = options.resume, options.overwrite
    with (
        Outcomes(options.report, append=append, overwrite=overwrite) as outcomes,
        Progress(planned.jobs) as progress,
    ):
        outcome = denoise(denoiser, planned, how, progress, outcomes)
    for line in planned.faults[len(reported) :]:
        report(line)
    failed, there = outcome.failed + len(planned.faults), outcome.there + planned.there
    level = _levels(outcome.levels)
    if planned.has_folders or outcome.written + failed > 1 or there:
        report(
            f"written: {outcome.written}, failed: {failed}, "
            f"skipped as other files: {planned.skipped}"
            + (f", written before: {there}" if options.resume else "")
            + (f"; {level}" if level else "")
        )
    elif level and is_terminal():
        report(level)
    return 1 if failed else 0


def _levels(levels: Sequence[float]) -> str:
    """Return the noise levels of photographs in words, empty where none is known."""
    if not levels:
        return ""
    low, high = f"{min(levels):.1f}", f"{max(levels):.1f}"
    return f"noise level: {low}" + (f" to {high}" if high != low else "")


def _denoiser_in(folder: Path) -> str | None:
    """Return the name of the model in a folder, None if it denoises no photographs."""
    try:
        manifest = Manifest.read(folder)
    except (OSError, ValueError):
        return None
    denoise = manifest.operations.get("denoise")
    return manifest.name if denoise and denoise.tiles else None
