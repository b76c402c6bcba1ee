"""The command `denoise`: what it runs, and what it reports.

Imports of what runs it wait until it runs, so that --help comes at once.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from service import standard_output
from service.errors import InvalidValue, OperationNotOffered
from service.images.formats import BY_NAME
from service.inference.tiling.controls import Controls
from service.manifest import PHOTO, Manifest
from service.settings import Settings

if TYPE_CHECKING:
    from service.files.denoise import Options, Outcome
    from service.files.plan import Plan
    from service.inference.device import Execution
    from service.inference.tiling.denoise import Denoiser


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
    from service.files.denoise import denoise
    from service.files.outcomes import Outcomes
    from service.files.plan import STANDARD
    from service.files.progress import Progress

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
    denoiser, _ = loaded(settings, options, settings.execution)
    how = denoising_options(settings, options)
    report_faults(settings, planned)
    append, overwrite = options.resume, options.overwrite
    with (
        Outcomes(options.report, append=append, overwrite=overwrite) as outcomes,
        Progress(planned.jobs) as progress,
    ):
        outcome = denoise(denoiser, planned, how, progress, outcomes)
    return summarize(planned, outcome, options)


def loaded(
    settings: Settings, options: argparse.Namespace, execution: "Execution"
) -> "tuple[Denoiser, Path]":
    """Return what denoises, and the folder of its model.

    Raises:
        StartupError: The model cannot be loaded.
        OperationNotOffered: It denoises no photographs.
        InvalidValue: It takes no such noise level.
    """
    from service.inference.loader import find, load, locate

    name = options.model or settings.default_picture or PHOTO
    folder = locate(settings.models, name, options.version)
    denoiser = load(folder, execution=execution).denoiser
    if denoiser is None:
        able = dict.fromkeys(filter(None, map(_denoiser_in, find(settings.models))))
        raise OperationNotOffered(
            "model: expected one that denoises photographs "
            f"({', '.join(able) or 'none does'}), received {name}"
        )
    denoiser.check_sigma(options.sigma)
    return denoiser, folder


def denoising_options(settings: Settings, options: argparse.Namespace) -> "Options":
    """Return how photographs are read, denoised and written."""
    from service.files.denoise import Options

    return Options(
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


def report_faults(settings: Settings, planned: "Plan") -> None:
    """Report what is known to fail before the run."""
    from service.files.progress import report

    for line in (*settings.formats_in_vain(), *planned.faults):
        report(line)
    planned.reported = len(planned.faults)


def summarize(planned: "Plan", outcome: "Outcome", options: argparse.Namespace) -> int:
    """Report the counts of a run, and return its exit status."""
    from service.files.progress import is_terminal, report

    for line in planned.faults[planned.reported :]:
        report(line)
    failed, before = (
        outcome.failed + len(planned.faults),
        outcome.written_before + planned.written_before,
    )
    level = _levels(outcome.levels)
    if planned.has_folders or outcome.written + failed > 1 or before:
        report(
            f"written: {outcome.written}, failed: {failed}, "
            f"skipped as other files: {planned.skipped}"
            + (f", written before: {before}" if options.resume else "")
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
