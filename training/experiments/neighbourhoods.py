"""How true a map is to the space it is a map of: whose neighbours are whose."""

import numpy as np
from numpy.typing import NDArray
from sklearn.manifold import trustworthiness
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from training.pixel_noise import Floats

NEIGHBOURS = 10
FOLDS = 10


def trust(items: Floats, places: Floats) -> float:
    """Return how far neighbours on a map are neighbours among the items, 0 to 1.

    Venna and Kaski, "Neighborhood Preservation in Nonlinear Projection Methods", 2001.

    Args:
        items: (n, numbers).
        places: (n, 2).
    """
    return float(trustworthiness(items, places, n_neighbors=NEIGHBOURS))


def continuity(items: Floats, places: Floats) -> float:
    """Return how far neighbours among the items are neighbours on a map, 0 to 1.

    It is trustworthiness with both spaces exchanged (Venna and Kaski, 2001).

    Args:
        items: (n, numbers).
        places: (n, 2).
    """
    return float(trustworthiness(places, items, n_neighbors=NEIGHBOURS))


def accuracy(places: Floats, labels: NDArray[np.uint8]) -> float:
    """Return how often most of the ten neighbours on a map have the class of an item.

    The neighbours are of the other nine tenths of the map, of each tenth in turn.

    Args:
        places: (n, 2).
        labels: The class of each.
    """
    classifier = KNeighborsClassifier(NEIGHBOURS)
    return float(cross_val_score(classifier, places, labels, cv=FOLDS).mean())
