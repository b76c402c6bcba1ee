"""Visualisation: codings on a map of two dimensions, beside components and pixels.

Van der Maaten and Hinton, "Visualizing Data using t-SNE", 2008; van der Maaten, "Learning a
Parametric Embedding by Preserving Local Structure", 2009, measures maps alike.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.manifold import TSNE

from training.autoencoders import stacked
from training.autoencoders.autoencoder import Autoencoder
from training.autoencoders.stacked import StackedConfig
from training.datasets.fashion_mnist import CLASSES
from training.experiments import models, neighbourhoods
from training.experiments.components import Components
from training.experiments.models import flat
from training.experiments.outcome import Outcome, Value, kept
from training.experiments.setup import Setup
from training.experiments.tables import select, table
from training.fashion.drawing import INK, canvas, save
from training.fashion.figures import CLASS_COLOURS
from training.fashion.recipes import RECIPES
from training.pixel_noise import Floats
from training.record import reading

MOST = 2500
"""Test images on a map."""
ENCODER, SIZE = "stacked", 30
CODINGS, COMPONENTS, PIXELS = (
    f"codings of {SIZE}, t-SNE",
    f"PCA of {SIZE}, t-SNE",
    "pixels, t-SNE",
)
FLAT_CODINGS, FLAT_COMPONENTS = "codings of 2", "PCA of 2"
METHODS = (CODINGS, COMPONENTS, PIXELS, FLAT_CODINGS, FLAT_COMPONENTS)


def run(setup: Setup) -> Outcome:
    """Measure maps of test images, and draw those of the first seed."""
    folder = setup.folder("visualisation")
    values: list[Value] = []
    for seed in range(setup.seeds):
        values += kept(folder / f"seed-{seed}.json", partial(_measure, setup, seed, folder))
    return Outcome(
        tuple(values), _table(values), _draw(setup, folder, setup.out / "visualisation.png")
    )


def _measure(setup: Setup, seed: int, folder: Path) -> Iterator[Value]:
    chosen = _chosen(setup, seed)
    items, labels = flat(setup.data.test[chosen]), setup.data.test_labels[chosen]
    folder.mkdir(parents=True, exist_ok=True)
    maps = dict(_maps(setup, seed, setup.data.test[chosen]))
    np.save(_maps_of(folder, seed), np.stack([maps[name] for name in METHODS]))
    for name, places in maps.items():
        yield Value(name, "", "trustworthiness", seed, neighbourhoods.trust(items, places))
        yield Value(name, "", "continuity", seed, neighbourhoods.continuity(items, places))
        yield Value(name, "", "accuracy", seed, neighbourhoods.accuracy(places, labels))


def _maps(setup: Setup, seed: int, images: Floats) -> Iterator[tuple[str, Floats]]:
    train = setup.data.train
    yield CODINGS, _tsne(models.fashion(setup, ENCODER, seed).codings(images), seed)
    yield COMPONENTS, _tsne(Components.of(train, SIZE).codings(images), seed)
    yield PIXELS, _tsne(flat(images), seed)
    two = replace(RECIPES[ENCODER], build=_of_two)
    yield FLAT_CODINGS, models.fashion(setup, "stacked-2", seed, recipe=two).codings(images)
    yield FLAT_COMPONENTS, Components.of(train, 2).codings(images)


def _of_two(seed: int) -> Autoencoder:
    return stacked.build(StackedConfig(units=(100, SIZE, 2)), seed=seed)


def _tsne(codings: Floats, seed: int) -> Floats:
    perplexity = min(30.0, (len(codings) - 1) / 3)
    found: Floats = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(
        codings
    )
    return found


def _chosen(setup: Setup, seed: int) -> NDArray[np.int64]:
    """Return the indices of the test images of a seed's maps."""
    count = len(setup.data.test)
    return np.random.default_rng(seed).permutation(count)[:MOST]


def _maps_of(folder: Path, seed: int) -> Path:
    return folder / f"maps-seed-{seed}.npy"


def _table(values: list[Value]) -> str:
    quantities = ("trustworthiness", "continuity", "accuracy")
    rows = {
        name: [select(values, method=name, quantity=quantity) for quantity in quantities]
        for name in METHODS
    }
    heads = ("trustworthiness", "continuity", "10-NN on the map")
    return table(rows, dict.fromkeys(heads, (3, max)), first="map")


def _draw(setup: Setup, folder: Path, path: Path) -> Path:
    """Draw the maps of the first seed side by side, a colour for each class."""
    labels = setup.data.test_labels[_chosen(setup, 0)]
    figure, row = canvas(12.5, 7.6, columns=3, rows=2)
    with reading(_maps_of(folder, 0), "maps"):
        maps = np.load(_maps_of(folder, 0))
    for axes, name, places in zip(row, METHODS, maps, strict=False):
        for label, colour in enumerate(CLASS_COLOURS):
            x, y = places[labels == label].T
            axes.scatter(x, y, s=5, color=colour, linewidths=0, label=CLASSES[label])
        axes.set_title(name, color=INK)
        axes.set_axis_off()
    row[-1].set_axis_off()
    row[-1].legend(*row[0].get_legend_handles_labels(), frameon=False, loc="center", markerscale=3)
    path.parent.mkdir(parents=True, exist_ok=True)
    return save(figure, path)
