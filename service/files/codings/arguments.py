"""The arguments of the command `encode`: which there are, and what its help says of them."""

import argparse

from service.files.arguments import reading, whole
from service.setting_names import variable
from service.settings import Settings

SUMMARY = "encode pictures and arrays, in files, folders and buckets, as codings"
DESCRIPTION = """\
Encode pictures, or the rows of an array, as codings for search and clustering:
parts of Parquet or of numpy in the folder OUT. Each part is written at once; the
same command again goes on where a run was stopped. What has no coding is told
in OUT/_errors, and the others go on. Files and folders may be in buckets, by
URL: s3://, gs:// and az://; https:// is read."""
EXAMPLES = """\
examples:
  %(prog)s thumbnails -o codings --fit
  %(prog)s images.npy -o codings --model convolutional --format npz
  %(prog)s s3://bucket/thumbnails -o s3://bucket/codings --shard 100000

exit status: 0 if every item has a coding; 1 if one has none, or a model cannot
be loaded or a store not be reached; 2 if an option cannot be used; 130 after
Ctrl-C, which leaves no partial file."""
FORMATS = ("parquet", "npz")
SHARD = 10_000
"""Items of a part by default: enough that a part is worth a file, few enough to do again."""


def add(parser: argparse.ArgumentParser) -> None:
    """Add the description, the options and the examples to a parser."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "inputs",
        metavar="IN",
        nargs="+",
        help="pictures, and folders of pictures, in the order of their names; or one .npy file, "
        "an array (items, ...) of pixels or of floats as the model takes them; by path or URL",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        required=True,
        help="the folder of the parts, by path or URL",
    )
    parser.add_argument(
        "--model",
        metavar="NAME",
        help=f"a model that encodes (default {Settings.model_fields['default_encode'].default}; "
        f"{variable('default_encode')})",
    )
    parser.add_argument(
        "--version", metavar="N", type=whole(1), help="of the model (default the newest)"
    )
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="parquet",
        help="of the parts (default parquet, which needs the extra `parquet`)",
    )
    parser.add_argument(
        "--shard",
        metavar="N",
        type=whole(1),
        default=SHARD,
        help=f"items of a part: what is done again after a crash (default {SHARD})",
    )
    parser.add_argument(
        "--fit",
        action="store_true",
        help="convert and scale pictures that are not as the model takes them",
    )
    reading(parser, truncated=False)
