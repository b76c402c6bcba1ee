"""The options of one's own data on the command line."""

from argparse import ArgumentTypeError
from collections.abc import Callable, Mapping
from pathlib import Path

from training.arguments import FINE_TUNING, Argument, Command, finite, positive, share
from training.datasets.description import parse_size

DATA = Argument(
    "--data", {"type": Path, "help": "folder or file, or a YAML description of one's own data"}
)
ACTIVATIONS = ("elu", "gelu", "leaky_relu", "relu", "selu", "silu", "tanh")


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(positive(each) for each in text.split(","))


def _size(text: str) -> str:
    try:
        parse_size(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error).removeprefix("size: ")) from error
    return text


def _shares(text: str) -> tuple[float, float, float]:
    shares = tuple(map(float, text.split(",")))
    if len(shares) != 3 or min(shares) < 0 or abs(sum(shares) - 1) > 1e-6:
        raise ArgumentTypeError(
            f"expected three shares that add up to 1, such as 0.8,0.1,0.1, received {text}"
        )
    return shares[0], shares[1], shares[2]


def _option(flag: str, kind: Callable[[str], object], text: str, metavar: str = "") -> Argument:
    shown = {"metavar": metavar} if metavar else {}
    return Argument(flag, {"type": kind, "help": text, **shown})


def _choice(flag: str, text: str, *choices: str) -> Argument:
    return Argument(flag, {"choices": choices, "help": text})


KEY = _option("--key", str, "column that names each row, which the model does not take", "COLUMN")
BROKEN = _option("--broken", share, "share of images that may be broken, by default 0", "SHARE")
SERIES = _option("--series", str, "column that tells one series from the next", "COLUMN")
DESCRIPTION = (
    _choice("--kind", "of the data, where the path does not tell", "images", "sequences", "table"),
    _option("--size", _size, "of the model's images, 64 or 64x48 (width x height)"),
    Argument("--channels", {"type": int, "choices": (1, 3), "help": "1 for gray, 3 for colour"}),
    _choice("--fit", "images to that size, by default resize", "resize", "pad", "crop", "tile"),
    BROKEN,
    _option("--columns", _names, "that the model takes, by default all", "A,B"),
    _option("--categories", _names, "columns of numbers that are categories", "A,B"),
    KEY,
    _option("--label", str, "column of classes, for evaluation alone", "COLUMN"),
    SERIES,
    _option("--window", positive, "rows of a sequence that a series is cut into"),
    _option("--stride", positive, "rows from one window to the next, by default half a window"),
    _choice("--missing", "values: an error, by default, or left out", "refuse", "mask"),
    _option("--split", _shares, "shares to train, validate and test, by default 0.8,0.1,0.1"),
    _option("--split-seed", int, "of the split, by default 0"),
    Argument("--licence", {"metavar": "TEXT", "help": "of the data, for the model card"}),
)
"""Options that change a field of the description of the data."""
TRAINING = (
    _option("--units", _sizes, "of Dense or LSTM layers, the last the coding's", "N,M"),
    _option("--coding", positive, "numbers of a coding; channels of a convolutional one"),
    _option("--filters", _sizes, "of each level of a convolutional encoder", "N,M"),
    _choice("--activation", "of hidden layers, by default selu", *ACTIVATIONS),
    _option("--epochs", positive, "instead of the recipe's, in every phase"),
    _option("--batch-size", positive, "items a batch"),
    _option("--learning-rate", finite, "the highest one"),
    _option("--trials", positive, "search settings in so many trials, and train the best", "N"),
    _option("--patience", positive, "epochs without a lower validation MSE before training stops"),
    Argument(
        "--memory",
        {"type": finite, "metavar": "GIB", "help": "of items kept in memory, by default 1"},
        default=1.0,
    ),
    FINE_TUNING,
)
OF_OTHERS = ("--fit", "--broken", "--label", "--series")
"""Options of the description that hold for other data than those of the training, too."""
CALIBRATING = (BROKEN, SERIES)
ARGUMENTS: Mapping[Command, tuple[Argument, ...]] = {
    "train": (
        Argument("--name", {"help": "of the model of one's own data; the recipe's name says how"}),
        DATA,
        *DESCRIPTION,
        *TRAINING,
    ),
    "export": (DATA,),
    "evaluate": (DATA,),
    "index": (
        DATA,
        KEY,
        *(each for each in DESCRIPTION if each.flag in OF_OTHERS),
    ),
    "figures": (),
    "report": (DATA,),
    "compare": (DATA,),
}
