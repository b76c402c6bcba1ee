"""The arguments by which the commands `denoise` and `encode` run on a cluster of Ray."""

import argparse
import math
from dataclasses import dataclass

from service.errors import InvalidValue
from service.files.arguments import whole


@dataclass(frozen=True)
class Actors:
    """The processes that run the model, and where.

    Attributes:
        address: Of the cluster, of which this machine is a node; "" for the one that RAY_ADDRESS
            names or this machine has, or else one that is started for the run.
        count: The most of them; None for as many as the cluster has room for.
        cpus: Of each: as many threads run its model.
        gpus: Of each, which may be a fraction.
    """

    address: str
    count: int | None
    cpus: int
    gpus: float


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options to a parser."""
    group = parser.add_argument_group("on a cluster of Ray, with the extra `ray`")
    group.add_argument(
        "--ray",
        metavar="ADDRESS",
        nargs="?",
        const="",
        help="run on the cluster at ADDRESS, HOST:6379 for example, of which this machine is a "
        "node; without it on that of RAY_ADDRESS or of this machine, or on one that is started for "
        "the run",
    )
    group.add_argument(
        "--actors", metavar="N", type=whole(1), help="processes that run the model (default all)"
    )
    group.add_argument(
        "--cpus-per-actor", metavar="N", type=whole(1), default=1, help="of each (default 1)"
    )
    group.add_argument(
        "--gpus-per-actor", metavar="N", type=_share, default=0.0, help="of each (default 0)"
    )


def actors(options: argparse.Namespace) -> Actors:
    """Return what the options ask for."""
    return Actors(options.ray, options.actors, options.cpus_per_actor, options.gpus_per_actor)


def check_streams(inputs: list[str], output: str) -> None:
    """Raise InvalidValue where a standard stream is named: other machines have none."""
    if "-" in (*inputs, output):
        raise InvalidValue("--ray: expected paths that all machines share or URLs, received -")


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not math.isfinite(value) or value < 0 or (value > 1 and value != int(value)):
        raise argparse.ArgumentTypeError(
            f"expected a whole number or a fraction from 0 to 1, received {text!r}"
        )
    return value
