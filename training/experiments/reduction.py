"""Dimensionality reduction: what codings keep of images and of classes, beside components.

Hinton and Salakhutdinov, "Reducing the Dimensionality of Data with Neural Networks", 2006.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from sklearn.neighbors import KNeighborsClassifier

from service.inference.loader import load, newest
from training.experiments import models
from training.experiments.architectures import ARCHITECTURES
from training.experiments.components import Components
from training.experiments.drawing import dots
from training.experiments.models import flat
from training.experiments.outcome import Outcome, Value, kept
from training.experiments.setup import Setup
from training.experiments.tables import select, table
from training.fashion import evaluate
from training.pixel_noise import Floats
from training.scores import mse

NEIGHBOURS = 10
PIXELS = "pixels"
ERRORS = "mean squared error on test images"


def run(setup: Setup) -> Outcome:
    """Measure the error and the neighbours' classes of every coding on the test images."""
    folder = setup.folder("reduction")
    values: list[Value] = [*kept(folder / "pixels.json", partial(_pixels, setup))]
    for seed in range(setup.seeds):
        for name in setup.architectures:
            path = folder / f"{name}-seed-{seed}.json"
            values += kept(path, partial(_architecture, setup, name, seed))
    for name, model in newest(setup.models).items():
        if name in setup.architectures:
            path = folder / f"{name}-shipped-{model.name}.json"
            values += kept(path, partial(_shipped, setup, name, model))
    sizes = {int(number) for number in select(values, quantity="numbers")}
    for size in sorted(size for size in sizes if size <= len(setup.data.train)):
        path = folder / f"components-{size}.json"
        values += kept(path, partial(_components, setup, size))
    return Outcome(tuple(values), _table(values), _draw(values, setup.out / "reduction.png"))


def _architecture(setup: Setup, name: str, seed: int) -> Iterator[Value]:
    model = models.fashion(setup, name, seed)
    test = setup.data.test
    codings = model.codings(test)
    yield Value(name, "", "numbers", seed, codings.shape[1])
    yield Value(name, "", "mse", seed, mse(model.reconstruct(test), test))
    accuracy = _accuracy(setup, model.codings(setup.data.train), codings)
    yield Value(name, "", "accuracy", seed, accuracy)


def _shipped(setup: Setup, name: str, folder: Path) -> Iterator[Value]:
    """Yield the numbers of an exported model, which was trained on all images for longer."""
    model, test = load(folder), setup.data.test
    method, seed = shipped(name), model.manifest.provenance.seed
    yield Value(method, "", "mse", seed, mse(evaluate.reconstruct(model, test), test))
    train, codings = (flat(evaluate.encode(model, each)) for each in (setup.data.train, test))
    yield Value(method, "", "accuracy", seed, _accuracy(setup, train, codings))


def shipped(name: str) -> str:
    """Return what the exported model of a name is called."""
    return f"{name}, shipped"


def _components(setup: Setup, size: int) -> Iterator[Value]:
    test, train = setup.data.test, setup.data.train
    found = Components.of(train, size)
    yield Value(_name(size), "", "mse", 0, mse(found.reconstruct(test), test))
    accuracy = _accuracy(setup, found.codings(train), found.codings(test))
    yield Value(_name(size), "", "accuracy", 0, accuracy)


def _pixels(setup: Setup) -> Iterator[Value]:
    accuracy = _accuracy(setup, flat(setup.data.train), flat(setup.data.test))
    yield Value(PIXELS, "", "accuracy", 0, accuracy)


def _accuracy(setup: Setup, train: Floats, test: Floats) -> float:
    """Return the share of test images whose class most of the nearest training images have."""
    classifier = KNeighborsClassifier(NEIGHBOURS, algorithm="brute")
    classifier.fit(train, setup.data.train_labels)
    return float(classifier.score(test, setup.data.test_labels))


def _is_shipped(value: Value) -> bool:
    return value.method.removesuffix(", shipped") != value.method


def _name(size: int) -> str:
    return f"PCA of {size}"


def _table(values: list[Value]) -> str:
    rows = {}
    architectures = [name for name in ARCHITECTURES if select(values, method=name)]
    for name in architectures:
        numbers = select(values, method=name, quantity="numbers")[:1]
        beside = _name(int(numbers[0]))
        rows[f"`{name}`"] = [
            numbers,
            *(
                select(values, method=method, quantity=quantity)
                for quantity in ("mse", "accuracy")
                for method in (name, shipped(name), beside)
            ),
        ]
    pixels = select(values, method=PIXELS, quantity="accuracy")
    rows[PIXELS] = [[784.0], [], [], [], pixels, [], []]
    return table(
        rows,
        {
            "numbers": (0, None),
            "MSE": (4, None),
            "shipped": (4, None),
            "PCA": (4, None),
            "10-NN": (3, None),
            "10-NN, shipped": (3, None),
            "10-NN, PCA": (3, None),
        },
        first="coding",
    )


def _draw(values: list[Value], path: Path) -> Path:
    methods = dict.fromkeys(each.method for each in values if not _is_shipped(each))
    order = sorted(methods, key=lambda name: name not in ARCHITECTURES)
    return dots(
        {
            ERRORS: {name: select(values, method=name, quantity="mse") for name in order},
            "accuracy of the 10 nearest codings": {
                name: select(values, method=name, quantity="accuracy") for name in order
            },
        },
        simple=[name for name in order if name not in ARCHITECTURES],
        path=path,
        logarithmic=[ERRORS],
    )
