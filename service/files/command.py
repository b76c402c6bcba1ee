"""What `python -m service denoise` can be told, and how that becomes work.

Nothing heavy is imported before there is something to do: help comes at once.
"""

import argparse
import sys
from collections.abc import Callable

from service import standard_output
from service.errors import InvalidValue
from service.manifest import PHOTO
from service.settings import Settings, flag, variable

SUMMARY = "remove the noise from photographs in files and folders"
DESCRIPTION = """\
Remove the noise from photographs of any size: PNG, JPEG and WebP, which keep
their metadata, their transparency and their depth. No file is written over
unless --overwrite says so. What fails is told in a line of its own, and the
others go on."""
EXAMPLES = """\
examples:
  python -m service denoise photo.jpg -o clean.png
  python -m service denoise holidays -o holidays-clean --strength 0.8
  python -m service denoise a.jpg b.png scans -o clean --format webp

exit status: 0 if every photograph was written; 1 if one was not, or the model
cannot be loaded; 2 where what was asked for cannot be done; 130 if Ctrl-C
stopped it, which leaves no half of a file."""
SETTINGS = ("models", "device", "threads")
"""Those that mean here what they mean elsewhere."""


def add(parser: argparse.ArgumentParser) -> None:
    """Add what can be told to a parser."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "inputs",
        metavar="IN",
        nargs="+",
        help="a PNG, JPEG or WebP file; a folder, for all of them in it and below, by their names; "
        "or - for standard input",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        required=True,
        help="the folder to write to, made if it is not there, in which files keep their names and "
        "their paths below the folders of IN; where IN is one file, also a name that ends in "
        ".png, .jpg, .jpeg or .webp, or - for standard output",
    )
    parser.add_argument(
        "--model",
        metavar="NAME",
        help=f"a model of photographs (default {PHOTO}; {variable('default_picture')})",
    )
    parser.add_argument(
        "--version", metavar="N", type=_whole(1), help="of the model (default the newest)"
    )
    parser.add_argument(
        "--sigma",
        metavar="S",
        type=_number(0, 100),
        help="standard deviation of the noise, 0 to 100 on the scale of 0 to 255 (default: the "
        "model sees for itself)",
    )
    parser.add_argument(
        "--strength",
        metavar="S",
        type=_number(0, 1),
        default=1.0,
        help="how much of the noise to remove, 0 to 1 (default 1)",
    )
    parser.add_argument(
        "--quality",
        metavar="Q",
        type=_whole(1, 100),
        help="of JPEG and WebP, 1 to 100, where a WebP of 100 loses nothing (default 90)",
    )
    parser.add_argument(
        "--format",
        choices=("png", "jpeg", "webp"),
        help="of what is written (default: what OUT's name ends in, or else that of each file)",
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="write over files that exist; with a folder as IN and OUT, over the photographs in it",
    )
    limit = "max_pixels"
    parser.add_argument(
        flag(limit),
        metavar="N",
        default=argparse.SUPPRESS,
        help="of the largest photograph that is read "
        f"(default {Settings.model_fields[limit].default}; {variable(limit)})",
    )


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Denoise; return 0, or 1 where a photograph failed.

    Raises StartupError where the model cannot be loaded, and other errors where the options ask for
    what cannot be done.
    """
    from service.files.denoise import Options, denoise
    from service.files.plan import STANDARD, plan
    from service.files.progress import Progress
    from service.images.encode import QUALITY
    from service.inference.loader import load, locate

    if options.output == STANDARD and standard_output.opened().isatty():
        raise InvalidValue("OUT: expected a file or a pipe behind -, received a terminal")
    planned = plan(
        options.inputs,
        options.output,
        media_type=options.format and f"image/{options.format}",
        overwrite=options.overwrite,
    )
    name = options.model or settings.default_picture or PHOTO
    folder = locate(settings.models, name, options.version)
    denoiser = load(folder, execution=settings.execution).photographs()
    denoiser.check_sigma(options.sigma)
    how = Options(
        sigma=options.sigma,
        strength=options.strength,
        quality=options.quality or QUALITY,
        max_pixels=settings.max_pixels,
        overwrite=options.overwrite,
    )
    for fault in planned.faults:
        print(fault, file=sys.stderr)
    with Progress(planned.jobs) as progress:
        written = denoise(denoiser, planned.jobs, how, progress)
    failed = len(planned.jobs) - written + len(planned.faults)
    if planned.has_folders or written + failed > 1:
        told = f"written: {written}, failed: {failed}, skipped as other files: {planned.skipped}"
        print(told, file=sys.stderr)
    return 1 if failed else 0


def _number(least: float, most: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(
                f"expected a number from {least:g} to {most:g}, received {text!r}"
            )
        return value

    return number


def _whole(least: int, most: int | None = None) -> Callable[[str], int]:
    def whole(text: str) -> int:
        value = int(text) if text.isdecimal() else -1
        if value < least or (most is not None and value > most):
            to = "" if most is None else f" to {most}"
            raise argparse.ArgumentTypeError(
                f"expected a whole number from {least}{to}, received {text!r}"
            )
        return value

    return whole
