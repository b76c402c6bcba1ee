"""Unsupervised pretraining: an encoder of many images without labels, a classifier of few labels.

Bengio et al., "Greedy Layer-Wise Training of Deep Networks", 2006; Erhan et al., "Why Does
Unsupervised Pre-training Help Deep Learning?", 2010.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import keras
import numpy as np

from training.experiments import labels, models
from training.experiments.classifiers import Classify, logistic_regression, network
from training.experiments.components import Components
from training.experiments.labels import Labelled
from training.experiments.outcome import Outcome, Value, kept
from training.experiments.setup import Setup
from training.experiments.tables import select, table
from training.fashion.drawing import BLUE, FAINT, GREEN, INK, ORANGE, canvas, save
from training.fashion.recipes import RECIPES

COUNTS = (100, 500, 2000)
"""Labels, in all."""
ENCODER = "stacked"
SIZE = 30
"""Numbers of its codings."""
FROZEN, TUNED, SCRATCH = "pretrained, frozen", "pretrained, fine-tuned", "from scratch"
COMPONENTS, PIXELS = f"PCA of {SIZE}, logistic regression", "pixels, logistic regression"
STYLES: Mapping[str, tuple[str, str]] = {
    TUNED: (BLUE, "o-"),
    FROZEN: (GREEN, "s-"),
    SCRATCH: (FAINT, "^-"),
    COMPONENTS: (ORANGE, "D--"),
    PIXELS: (INK, "v--"),
}
"""Colour, marker and line of each method."""


def run(setup: Setup) -> Outcome:
    """Measure the accuracy on test images of classifiers of few labels.

    Numbers of labels that are larger than that of the images are left out.

    Raises:
        ValueError: All of them are.
    """
    folder = setup.folder("pretraining")
    values: list[Value] = []
    for seed in range(setup.seeds):
        for count in _counts(setup):
            path = folder / f"{count}-labels-seed-{seed}.json"
            values += kept(path, partial(_measure, setup, count, seed))
    return Outcome(tuple(values), _table(values), _draw(values, setup.out / "pretraining.png"))


def _counts(setup: Setup) -> list[int]:
    counts = [count for count in COUNTS if count <= len(setup.data.train)]
    if not counts:
        received = len(setup.data.train)
        raise ValueError(f"--images: expected at least {COUNTS[0]}, received {received}")
    return counts


def _measure(setup: Setup, count: int, seed: int) -> Iterator[Value]:
    data = setup.data
    drawn = labels.draw(data.train_labels, count, seed)
    components = Components.of(data.train, SIZE)
    methods: dict[str, Callable[[], Classify]] = {
        FROZEN: partial(_network, setup, drawn, seed, frozen=True),
        TUNED: partial(_network, setup, drawn, seed),
        SCRATCH: partial(_network, setup, drawn, seed, pretrained=False),
        COMPONENTS: partial(
            logistic_regression, data.train, data.train_labels, drawn, components.codings
        ),
        PIXELS: partial(logistic_regression, data.train, data.train_labels, drawn),
    }
    for name, fitted in methods.items():
        accuracy = float(np.mean(fitted()(data.test) == data.test_labels))
        yield Value(name, str(count), "accuracy", seed, accuracy)


def _network(
    setup: Setup, drawn: Labelled, seed: int, *, pretrained: bool = True, frozen: bool = False
) -> Classify:
    if pretrained:
        autoencoder = models.fashion(setup, ENCODER, seed).autoencoder
    else:
        keras.utils.clear_session()
        autoencoder = RECIPES[ENCODER].build(seed)
    return network(
        autoencoder.encoder,
        setup.data.train,
        setup.data.train_labels,
        drawn,
        frozen=frozen,
        seed=seed,
    )


def _table(values: list[Value]) -> str:
    counts = list(dict.fromkeys(each.condition for each in values))
    rows = {
        name: [select(values, method=name, condition=count) for count in counts] for name in STYLES
    }
    heads = {f"{int(count):,} labels": (3, max) for count in counts}
    return table(rows, heads, first="classifier")


def _draw(values: list[Value], path: Path) -> Path:
    counts = [int(count) for count in dict.fromkeys(each.condition for each in values)]
    figure, (axes,) = canvas(7.2, 4.4)
    for index, (name, (colour, style)) in enumerate(STYLES.items()):
        found = [np.array(select(values, method=name, condition=str(count))) for count in counts]
        means = [float(each.mean()) for each in found]
        deviations = [float(each.std(ddof=1)) if len(each) > 1 else 0.0 for each in found]
        places = np.array(counts) * 1.03 ** (index - 2)  # beside each other
        axes.errorbar(
            places, means, deviations, fmt=style, color=colour, label=name, capsize=3, markersize=5
        )
    axes.set_xscale("log")
    axes.set_xticks(counts, [f"{count:,}" for count in counts])
    axes.minorticks_off()
    axes.set(xlabel="labelled images", ylabel="accuracy on test images")
    axes.legend(frameon=False, loc="lower right")
    path.parent.mkdir(parents=True, exist_ok=True)
    return save(figure, path)
