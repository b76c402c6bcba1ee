"""The experiments by name; to list them needs no heavy package."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from training.experiments.outcome import Outcome
    from training.experiments.setup import Setup


@dataclass(frozen=True)
class Experiment:
    """An experiment as the command line sees it.

    Args:
        summary: What it asks, in one line.
        run: Measures what is not measured yet.
    """

    summary: str
    run: "Callable[[Setup], Outcome]"


def _pretraining(setup: "Setup") -> "Outcome":
    from training.experiments import pretraining

    return pretraining.run(setup)


def _reduction(setup: "Setup") -> "Outcome":
    from training.experiments import reduction

    return reduction.run(setup)


def _visualisation(setup: "Setup") -> "Outcome":
    from training.experiments import visualisation

    return visualisation.run(setup)


def _anomalies(setup: "Setup") -> "Outcome":
    from training.experiments import anomalies

    return anomalies.run(setup)


EXPERIMENTS: Mapping[str, Experiment] = MappingProxyType(
    {
        "pretraining": Experiment("a classifier of few labels on an encoder of many", _pretraining),
        "reduction": Experiment("what codings keep, beside principal components", _reduction),
        "visualisation": Experiment("maps of codings, beside maps of pixels", _visualisation),
        "anomalies": Experiment("what reconstruction errors find", _anomalies),
    }
)
