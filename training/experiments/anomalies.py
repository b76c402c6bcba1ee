"""Anomaly detection: how well reconstruction errors tell what training has not seen.

The measure is the area under the ROC curve (AUROC): how often an anomaly scores higher than a
normal item, 0.5 by chance. Sakurada and Yairi, "Anomaly Detection Using Autoencoders with Nonlinear
Dimensionality Reduction", 2014.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import chain
from pathlib import Path

from sklearn.metrics import roc_auc_score

from service.inference.scores import Numbers, scores
from training.experiments import case_classes, case_series, models
from training.experiments.architectures import ARCHITECTURES
from training.experiments.case_classes import DIGITS, FASHION
from training.experiments.case_series import GROUP as SERIES
from training.experiments.cases import Case
from training.experiments.detectors import detectors
from training.experiments.drawing import dots
from training.experiments.outcome import Outcome, Value, kept
from training.experiments.setup import Setup
from training.experiments.tables import select, table

QUANTITY, SIZE = "AUROC", "numbers"
TITLES: Mapping[str, str] = {
    FASHION: "a class left out of Fashion-MNIST",
    DIGITS: "a digit left out",
    SERIES: "windows of series",
}


def run(setup: Setup) -> Outcome:
    """Measure the AUROC of every detector in every case."""
    groups = [case_classes.fashion(setup), case_classes.digits(setup)]
    if root := case_series.folder():
        groups.append(case_series.series(setup, root))
    else:
        print(f"no series: they are files of the package {case_series.PACKAGE}")
    folder = setup.folder("anomalies")
    values = [value for case in chain(*groups) for value in _case(setup, case, folder)]
    return Outcome(tuple(values), _tables(values), _draw(values, setup.out / "anomalies.png"))


def _case(setup: Setup, case: Case, folder: Path) -> Iterator[Value]:
    sizes = set()
    for name in case.recipes:
        path = folder / f"{case.name}-{name}.json"
        for value in kept(path, partial(_architecture, setup, case, name)):
            if value.quantity == SIZE:
                sizes.add(int(value.number))
            yield value
    for name, scored in detectors(case, sizes):
        path = folder / f"{case.name}-{name.replace(',', '').replace(' ', '-').lower()}.json"
        yield from kept(path, partial(_detector, case, name, scored))


def _architecture(setup: Setup, case: Case, name: str) -> Iterator[Value]:
    folder = setup.folder("models") / f"{name}-{case.name}"
    own = {"case": case.name}
    model = models.trained(case.recipes[name], case.normal, folder, seed=case.seed, own=own)
    found = scores(case.test, model.reconstruct(case.test), None)
    yield Value(name, _condition(case), SIZE, case.seed, model.codings(case.test[:1]).shape[1])
    yield Value(name, _condition(case), QUANTITY, case.seed, _auroc(case, found))


def _detector(case: Case, name: str, scored: Callable[[], Numbers]) -> Iterator[Value]:
    yield Value(name, _condition(case), QUANTITY, case.seed, _auroc(case, scored()))


def _auroc(case: Case, found: Numbers) -> float:
    return float(roc_auc_score(case.anomalous, found))


def _condition(case: Case) -> str:
    return f"{case.group}: {case.condition}"


def _tables(values: list[Value]) -> str:
    """Return a table for each group of cases."""
    found = []
    for group, title in TITLES.items():
        conditions = [each for each in _unique(values, "condition") if each.startswith(group)]
        if not conditions:
            continue
        rows = {
            f"`{name}`" if name in ARCHITECTURES else name: [
                *(_numbers(values, name, each) for each in conditions),
                *([_of_group(values, name, group)] if group != SERIES else []),
            ]
            for name in _ordered(values, group)
        }
        columns = {each.removeprefix(f"{group}: "): (3, max) for each in conditions}
        if group != SERIES:
            columns["mean"] = (3, max)
        found.append(f"{title}:\n\n{table(rows, columns, first='AUROC')}")
    return "\n\n".join(found)


def _draw(values: list[Value], path: Path) -> Path:
    groups = [group for group in TITLES if _ordered(values, group)]
    order = list(dict.fromkeys(name for group in groups for name in _ordered(values, group)))
    order.sort(key=_place)
    panels = {
        TITLES[group]: {name: _of_group(values, name, group) for name in order} for group in groups
    }
    simple = [name for name in order if name not in ARCHITECTURES]
    return dots(panels, simple=simple, path=path, label=QUANTITY, chance=0.5)


def _place(name: str) -> tuple[bool, bool, int]:
    """Return where a method is: architectures, components by their number, the other ones."""
    is_components = name.startswith("PCA of ")
    size = int(name.rpartition(" ")[2]) if is_components else 0
    return name not in ARCHITECTURES, not is_components, size


def _ordered(values: list[Value], group: str) -> list[str]:
    of_group = [each for each in values if each.condition.startswith(group)]
    return _unique(of_group, "method")


def _numbers(values: list[Value], name: str, condition: str) -> list[float]:
    return select(values, method=name, condition=condition, quantity=QUANTITY)


def _of_group(values: list[Value], name: str, group: str) -> list[float]:
    of_group = [each for each in values if each.condition.startswith(group)]
    return select(of_group, method=name, quantity=QUANTITY)


def _unique(values: list[Value], field: str) -> list[str]:
    return list(dict.fromkeys(getattr(each, field) for each in values))
