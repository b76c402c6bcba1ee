"""Further outputs of reconstructions: their scores, and maps of their errors."""

from collections.abc import Iterable, Mapping

from service.api.open_inference.naming import Served
from service.inference import scores
from service.inference.pixels import Floats
from service.manifest import Tensor

SCORES, MAPS = "scores", "maps"


def offered(served: Served) -> list[Tensor]:
    """Return the outputs that a model has: its own, then those that are computed if asked for."""
    output = served.model.batchers[served.operation].session.operation.output
    if served.operation != "reconstruct":
        return [output]
    rows = served.model.manifest.rows
    shape = (*output.shape[:-1], len(rows.columns)) if rows else output.shape[:3]
    return [
        output,
        Tensor(name=SCORES, dtype="float32", shape=("batch",)),
        Tensor(name=MAPS, dtype="float32", shape=shape),
    ]


def computed(
    served: Served, inputs: Floats, outputs: Floats, names: Iterable[str]
) -> Mapping[str, Floats]:
    """Return outputs by name, in the order of the names.

    Args:
        served: What ran.
        inputs: What it took.
        outputs: What it gave.
        names: Some of those offered.
    """
    rows = served.model.manifest.rows
    found: dict[str, Floats] = {}
    for name in names:
        if served.operation == "reconstruct" and name == SCORES:
            found[name] = scores.as_floats(scores.scores(inputs, outputs, rows))
        elif served.operation == "reconstruct" and name == MAPS:
            found[name] = scores.maps(inputs, outputs, rows)
        else:
            found[name] = outputs
    return found
