"""The arguments of the command `denoise`: which there are, and what its help says of them."""

import argparse
from collections.abc import Callable

from service.errors import InvalidValue
from service.images.formats import BY_TYPE, SUFFIXES, written
from service.inference.tiling.controls import EFFORTS, Region
from service.manifest import PHOTO
from service.setting_names import flag, variable
from service.settings import Settings

SUMMARY = "remove the noise from photographs in files, folders and buckets"
DESCRIPTION = """\
Remove the noise from photographs of any size: PNG, JPEG, WebP, TIFF, AVIF and
HEIC, which keep their metadata, their transparency and their depth; BMP, GIF,
JPEG 2000, JPEG XL and the raw formats of cameras. Existing files are kept
unless --overwrite is given. A photograph that fails is reported on a line of
its own, and the others go on. Files and folders may be in buckets, by URL:
s3://, gs:// and az://; https:// is read."""
EXAMPLES = """\
examples:
  %(prog)s photo.jpg -o clean.png
  %(prog)s holidays -o holidays-clean --strength 0.8
  %(prog)s party.jpg -o party-clean.jpg --luma 0.3
  %(prog)s a.jpg b.png scans -o clean --format webp
  %(prog)s s3://bucket/in -o s3://bucket/clean --resume

exit status: 0 if every photograph was written; 1 if one was not, or the model
cannot be loaded; 2 if an option cannot be used; 130 after Ctrl-C, which leaves
no partial file."""
SETTINGS = ("models", "device", "threads")
"""Settings of the service that are options here too."""


def add(parser: argparse.ArgumentParser) -> None:
    """Add the description, the options and the examples to a parser."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    suffixes = [suffix for suffix, kind in SUFFIXES.items() if kind in written()]
    parser.add_argument(
        "inputs",
        metavar="IN",
        nargs="+",
        help="a photograph; a folder, for all files in it and below whose names end as those of "
        "photographs do; the URL of either; or - for standard input",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        required=True,
        help="the folder to write to, created if missing, in which files keep their names and "
        "their paths below the folders of IN; if IN is one file, also a name that ends in "
        f"{', '.join(suffixes)}, or - for standard output",
    )
    parser.add_argument(
        "--model",
        metavar="NAME",
        help=f"a model of photographs (default {PHOTO}; {variable('default_picture')})",
    )
    parser.add_argument(
        "--version", metavar="N", type=whole(1), help="of the model (default the newest)"
    )
    parser.add_argument(
        "--sigma",
        metavar="S",
        type=_number(0, 100),
        help="standard deviation of the noise, 0 to 100 on the scale of 0 to 255 (default: "
        "as the model estimates it)",
    )
    parser.add_argument(
        "--strength",
        metavar="S",
        type=_number(0, 1),
        default=1.0,
        help="share of the noise to remove, 0 to 1 (default 1)",
    )
    parser.add_argument(
        "--luma",
        metavar="S",
        type=_number(0, 1),
        default=1.0,
        help="share of that to remove from luma, 0 to 1: less keeps the grain (default 1)",
    )
    parser.add_argument(
        "--chroma",
        metavar="S",
        type=_number(0, 1),
        default=1.0,
        help="the same of chroma: less keeps the noise in colours (default 1)",
    )
    parser.add_argument(
        "--effort",
        metavar="N",
        type=int,
        choices=EFFORTS,
        default=1,
        help="take the mean over so many flips and turns, 1, 2, 4 or 8, in as many times the time "
        "(default 1)",
    )
    parser.add_argument(
        "--region",
        metavar="X,Y,W,H",
        type=_region,
        help="denoise and write only this part of each photograph, in pixels of it upright: its "
        "left edge, its upper edge, its width and its height",
    )
    parser.add_argument(
        "--quality",
        metavar="Q",
        type=whole(1, 100),
        help="of lossy formats, 1 to 100; WebP of 100 is lossless (default 90, or lossless for "
        "what came so)",
    )
    parser.add_argument(
        "--format",
        choices=[BY_TYPE[each].name for each in written()],
        help="of the output (default: by OUT's suffix, otherwise that of each input)",
    )
    existing = parser.add_mutually_exclusive_group()
    existing.add_argument(
        "--overwrite",
        action="store_true",
        help="replace existing files; with one folder as IN and OUT, the photographs in it",
    )
    existing.add_argument(
        "--resume",
        action="store_true",
        help="go on with a run that was stopped: leave photographs whose files exist",
    )
    parser.add_argument(
        "--report",
        metavar="FILE",
        help="write what became of each photograph to FILE, a line of JSON each",
    )
    reading(parser)


def reading(parser: argparse.ArgumentParser, *, truncated: bool = True) -> None:
    """Add the options that say which files are read.

    Args:
        parser: The parser.
        truncated: Whether truncated files can be.
    """
    parser.add_argument(
        flag("formats"),
        metavar="LIST",
        default=argparse.SUPPRESS,
        help=f"formats that are read, separated by commas (default all; {variable('formats')})",
    )
    if truncated:
        parser.add_argument(
            flag("truncated"),
            choices=("refuse", "accept"),
            default=argparse.SUPPRESS,
            help="what becomes of a JPEG that ends early: an error, or what is there of it, with a "
            f"word on standard error (default refuse; {variable('truncated')})",
        )
    limit = "max_pixels"
    parser.add_argument(
        flag(limit),
        metavar="N",
        default=argparse.SUPPRESS,
        help="of the largest picture that is read "
        f"(default {Settings.model_fields[limit].default}; {variable(limit)})",
    )


def _number(low: float, high: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(
                f"expected a number from {low:g} to {high:g}, received {text!r}"
            )
        return value

    return number


def _region(text: str) -> Region:
    try:
        return Region.parse(text)
    except InvalidValue as error:
        raise argparse.ArgumentTypeError(str(error).removeprefix("region: ")) from error


def whole(low: int, high: int | None = None) -> Callable[[str], int]:
    """Return what reads a whole number within limits, for a parser."""

    def read(text: str) -> int:
        value = int(text) if text.isdecimal() else -1
        if value < low or (high is not None and value > high):
            to = "" if high is None else f" to {high}"
            raise argparse.ArgumentTypeError(
                f"expected a whole number from {low}{to}, received {text!r}"
            )
        return value

    return read
