"""Simple detectors of anomalies, to which autoencoders are compared."""

from collections.abc import Callable, Collection, Iterator
from functools import partial

import numpy as np
from sklearn.ensemble import IsolationForest
from sklearn.svm import OneClassSVM

from service.inference.scores import Numbers, scores
from training.experiments.cases import Case
from training.experiments.components import Components
from training.experiments.models import flat

FOREST, SVM = "isolation forest", "one-class SVM"
SVM_ITEMS = 5000
"""Normal items that the one-class SVM is fitted to, drawn by the seed: more take it too long."""
NU = 0.1
"""The largest share of them that it may leave outside."""


def detectors(case: Case, sizes: Collection[int]) -> Iterator[tuple[str, Callable[[], Numbers]]]:
    """Yield the names of simple detectors, with what returns their scores of a case's test items.

    Args:
        case: The items.
        sizes: Of codings: components of as many numbers are tried, where they are fewer than those
            of an item.
    """
    for size in sorted(sizes):
        if size < case.test[0].size:
            yield components(size), partial(_components, case, size)
    yield FOREST, partial(_forest, case)
    yield SVM, partial(_svm, case)


def components(size: int) -> str:
    """Return what the detector is called whose score is the error of components."""
    return f"PCA of {size}"


def _components(case: Case, size: int) -> Numbers:
    found = Components.of(case.normal.train, size)
    return scores(case.test, found.reconstruct(case.test), None)


def _forest(case: Case) -> Numbers:
    """Liu, Ting and Zhou, "Isolation Forest", 2008: 100 trees of 256 items each."""
    forest = IsolationForest(random_state=case.seed).fit(flat(case.normal.train))
    found: Numbers = -forest.score_samples(flat(case.test))
    return found


def _svm(case: Case) -> Numbers:
    """Schölkopf et al., "Estimating the Support of a High-Dimensional Distribution", 2001."""
    items = flat(case.normal.train)
    chosen = np.random.default_rng(case.seed).permutation(len(items))[:SVM_ITEMS]
    svm = OneClassSVM(gamma="scale", nu=NU).fit(items[chosen])
    found: Numbers = -svm.decision_function(flat(case.test))
    return found
