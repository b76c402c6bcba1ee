"""The parser of the command line: the commands, and the options of each."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import service
from service.index import Metric
from training import commands, families
from training.arguments import Command, positive, share
from training.experiments.architectures import ARCHITECTURES
from training.experiments.registry import EXPERIMENTS
from training.families import FAMILIES
from training.own.arguments import CALIBRATING
from training.selection import ALL

NAME = "autoencoder-train"
WHICH = "or all: of the family whose options are given, by default of Fashion-MNIST"
SHARED: dict[str, dict[str, Any]] = {
    "runs": {"type": Path, "default": Path("runs"), "help": "folder of training runs"},
    "models": {"type": Path, "default": Path("models"), "help": "folder of exported models"},
}
Parsers = Any
"""What argparse adds the parsers of commands to."""


def parser() -> argparse.ArgumentParser:
    """Return the parser; what it has parsed has the command's function as `run`."""
    is_script = Path(sys.argv[0]).stem == NAME
    whole = argparse.ArgumentParser(
        prog=NAME if is_script else "python -m training",
        description="Train autoencoders, export them to ONNX, measure and draw them.",
    )
    whole.add_argument("--version", action="version", version=f"{NAME} {service.__version__}")
    parsers = whole.add_subparsers(required=True, metavar="COMMAND")
    adders = (
        *(_train, _export, _evaluate, _calibrate, _index),
        *(_figures, _report, _compare, _experiment),
    )
    for add in adders:
        add(parsers)
    return whole


def _train(parsers: Parsers) -> None:
    added = _of_families(
        parsers, "train", commands.train, "train models, or resume stopped trainings", "runs",
        names=f"models to train, {WHICH}; one recipe with --name", kind=_trainable_name,
    )  # fmt: skip
    added.add_argument("--seed", type=int, default=42, help="of weights, batches and noise")
    added.add_argument(
        "--again", action="store_true", help="train anew, in place of what is in the folder"
    )


def _export(parsers: Parsers) -> None:
    added = _of_families(
        parsers, "export", commands.export, "export trained models as ONNX, with manifests",
        "runs", "models", names=f"models to export, {WHICH}",
    )  # fmt: skip
    added.add_argument("--version", type=positive, default=1, help="version to write")
    added.add_argument("--replace", action="store_true", help="even a version that exists")


def _evaluate(parsers: Parsers) -> None:
    added = _of_families(
        parsers, "evaluate", commands.evaluate, "measure models as they are served", "models",
        names=f"models to measure, {WHICH}",
    )  # fmt: skip
    added.add_argument("--version", type=positive, help="the newest where it is left out")


def _calibrate(parsers: Parsers) -> None:
    added = _command(
        parsers, "calibrate", commands.calibrate,
        "place the anomaly threshold of models by other data, which are as they should be",
        "models",
    )  # fmt: skip
    added.add_argument("names", nargs="+", help="models to calibrate, on the same data")
    added.add_argument("--data", type=Path, required=True, help="folder or file of such items")
    added.add_argument(
        "--false-alarm-rate", type=share, metavar="RATE",
        help="share of them above the threshold to show, by default 0.01",
    )  # fmt: skip
    for each in CALIBRATING:
        added.add_argument(each.flag, **each.settings)
    added.add_argument("--version", type=positive, help="the newest where it is left out")


def _index(parsers: Parsers) -> None:
    added = _of_families(
        parsers, "index", commands.index,
        "build indexes of codings, among which neighbours are found", "models",
        names=f"models that encode, {WHICH}",
    )  # fmt: skip
    added.add_argument("--version", type=positive, help="the newest where it is left out")
    added.add_argument(
        "--metric", choices=get_args(Metric), default="euclidean", help="how far codings are"
    )
    added.add_argument("--first", type=positive, metavar="N", help="only the first N items")


def _figures(parsers: Parsers) -> None:
    added = _of_families(
        parsers, "figures", commands.figures,
        "draw what the models do and how they were trained", "runs", "models",
    )  # fmt: skip
    added.add_argument("--out", type=Path, default=Path("docs/figures"), help="folder of figures")


def _report(parsers: Parsers) -> None:
    added = _of_families(
        parsers, "report", commands.report,
        "write an HTML report on trainings, runs/NAME/report.html", "runs", "models",
        names=f"trainings to report on, {WHICH}",
    )  # fmt: skip
    added.add_argument(
        "--mlflow", nargs="?", const="", metavar="URI",
        help="log it all to MLflow, by default to MLFLOW_TRACKING_URI or into runs/mlflow",
    )  # fmt: skip


def _compare(parsers: Parsers) -> None:
    added = _of_families(
        parsers, "compare", commands.compare, "put two trainings side by side", "runs",
        names="the two trainings",
    )  # fmt: skip
    added.add_argument(
        "--out", type=Path, help="HTML file, by default runs/NAME/compared-with-NAME.html"
    )


def _experiment(parsers: Parsers) -> None:
    added = _command(
        parsers, "experiment", commands.experiment,
        "measure what codings are good for, beside simpler methods, over several seeds",
        "runs", "models",
    )  # fmt: skip
    summaries = "; ".join(f"{name}: {each.summary}" for name, each in EXPERIMENTS.items())
    added.add_argument("names", nargs="+", choices=[*EXPERIMENTS, ALL], help=summaries)
    added.add_argument("--data", type=Path, help="folder with Fashion-MNIST's four .gz files")
    added.add_argument("--seeds", type=positive, default=5, help="repetitions of each training")
    added.add_argument("--epochs", type=positive, default=10, help="of each phase of a training")
    added.add_argument(
        "--architectures", nargs="+", choices=ARCHITECTURES, default=ARCHITECTURES, metavar="NAME",
        help="of reduction and anomalies",
    )  # fmt: skip
    added.add_argument("--images", type=positive, help="only that many training images")
    added.add_argument("--out", type=Path, default=Path("docs/figures"), help="folder of figures")


def _of_families(
    parsers: Parsers,
    name: Command,
    run: object,
    text: str,
    *shared: str,
    names: str | None = None,
    kind: Callable[[str], str] = str,
) -> argparse.ArgumentParser:
    """Add a command that the families have options of their own for; return its parser."""
    added = _command(parsers, name, run, text, *shared)
    if names is not None:
        added.add_argument("names", nargs="+", type=kind, help=names)
    declared: set[str] = set()
    for family in FAMILIES:
        group = added.add_argument_group(family.title)
        for each in family.arguments(name):
            if each.flag not in declared:
                group.add_argument(each.flag, default=argparse.SUPPRESS, **each.settings)
            declared.add(each.flag)
    return added


def _command(
    parsers: Parsers, name: str, run: object, text: str, *shared: str
) -> argparse.ArgumentParser:
    added: argparse.ArgumentParser = parsers.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    added.set_defaults(run=run)
    for flag in shared:
        added.add_argument(f"--{flag}", **SHARED[flag])
    return added


def _trainable_name(name: str) -> str:
    if name not in (*families.names(), ALL):
        expected = ", ".join(families.names())
        raise argparse.ArgumentTypeError(f"expected {ALL} or one of {expected}, received {name}")
    return name
