"""The options of the denoiser of photographs on the command line."""

from argparse import ArgumentTypeError
from collections.abc import Mapping
from pathlib import Path

from training.arguments import Argument, Command, finite, positive

PARTS = (
    "clean", "white", "camera", "pairs", "grain", "impulse", "jpeg", "flat", "means", "grid",
)  # fmt: skip
"""Of an evaluation."""


def _sigmas(text: str) -> tuple[float, ...]:
    values = tuple(map(float, text.split(",")))
    if not all(0 < value <= 255 for value in values):
        raise ArgumentTypeError(f"expected numbers above 0, to 255, received {text}")
    return values


def _parts(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if unknown := [name for name in names if name not in PARTS]:
        expected = ", ".join(PARTS)
        raise ArgumentTypeError(f"expected some of {expected}, received {', '.join(unknown)}")
    return names


def _photos(text: str) -> Argument:
    return Argument("--photos", {"type": Path, "metavar": "DIR", "help": text})


ARGUMENTS: Mapping[Command, tuple[Argument, ...]] = {
    "train": (
        _photos("folder of photographs to train on"),
        Argument(
            "--validation",
            {
                "type": Path,
                "metavar": "DIR",
                "help": "folder of photographs to validate with, by default each 20th of --photos",
            },
        ),
        Argument(
            "--licence",
            {"metavar": "TEXT", "help": "of the data, for the model card"},
            default="not said",
        ),
        Argument(
            "--start",
            {
                "type": Path,
                "metavar": "DIR",
                "help": "exported version of photo, of the same network or a narrower one, from "
                "whose weights to start",
            },
        ),
        Argument(
            "--amend",
            {
                "action": "store_true",
                "help": "resume a training that had other settings; its record names both",
            },
            default=False,
        ),
        Argument(
            "--steps", {"type": positive, "help": "number of batches, by default the recipe's"}
        ),
        Argument(
            "--minutes",
            {"type": finite, "help": "of training in all, instead of a number of batches"},
            default=0.0,
        ),
        Argument(
            "--precision",
            {
                "choices": ("float32", "mixed_bfloat16", "mixed_float16"),
                "help": "of the arithmetic, by default float32",
            },
            default="float32",
        ),
        Argument(
            "--workers",
            {
                "type": positive,
                "help": "processes that make batches, by default 1, for each that trains",
            },
            default=1,
        ),
        Argument(
            "--processes",
            {
                "type": positive,
                "help": "that train together on this machine, one for each GPU where it has GPUs, "
                "by default 1; needs PyTorch",
            },
            default=1,
        ),
    ),
    "export": (
        Argument(
            "--denoiser",
            {
                "type": Path,
                "metavar": "DIR",
                "help": "exported version whose denoiser is kept, to export a new estimator alone",
            },
        ),
        Argument(
            "--dataset", {"metavar": "TEXT", "help": "what the photographs were, for the card"}
        ),
        Argument(
            "--note",
            {"metavar": "TEXT", "help": "where and how long the training ran, for the card"},
        ),
        Argument(
            "--sources",
            {
                "type": Path,
                "metavar": "FILE",
                "help": "table of source, author and licence of each photograph, copied beside the "
                "graphs as SOURCES.tsv",
            },
        ),
    ),
    "evaluate": (
        _photos("folder of clean images to measure on"),
        Argument(
            "--validation",
            {
                "type": Path,
                "metavar": "DIR",
                "help": "folder of further clean images, for the grid of correlated noise",
            },
        ),
        Argument(
            "--cameras",
            {
                "type": Path,
                "metavar": "DIR",
                "help": "folder of pairs of photographs, NAME_real.* and NAME_mean.*, the latter "
                "the mean of many of one scene",
            },
        ),
        Argument(
            "--parts",
            {
                "type": _parts,
                "metavar": "NAMES",
                "help": f"only some of {','.join(PARTS)}; other figures are kept",
            },
        ),
        Argument(
            "--sigmas",
            {"type": _sigmas, "help": "of white noise, by default 15,25,50"},
            default=(15.0, 25.0, 50.0),
        ),
        Argument(
            "--crop",
            {"action": "store_true", "help": "only the middle 500 x 500 pixels of each image"},
            default=False,
        ),
        Argument(
            "--no-comparison",
            {
                "dest": "compare",
                "action": "store_false",
                "help": "keep the figures of other denoisers, which take longest to measure",
            },
            default=True,
        ),
    ),
    "index": (),
    "figures": (_photos("folder of photographs to show"),),
    "report": (),
    "compare": (),
}
