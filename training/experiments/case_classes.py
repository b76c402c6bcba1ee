"""Cases whose anomalies are images of a class that was left out: Fashion-MNIST and digits."""

from collections.abc import Iterator

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from training.datasets.fashion_mnist import CLASSES
from training.experiments.cases import Case, Normal
from training.experiments.setup import Setup
from training.fashion.recipes import RECIPES
from training.fitting.recipe import Recipe
from training.own import recipes as own
from training.own.item import Item
from training.own.options import Options

FASHION, DIGITS = "Fashion-MNIST", "digits"
TEST, VALIDATION = 0.3, 0.1
"""Shares of the digits of the other classes."""
LONGER = 5
"""How many times more epochs the few digits are trained for."""


def fashion(setup: Setup) -> Iterator[Case]:
    """Yield a case for each seed, the anomalies of which are a class of Fashion-MNIST.

    The normal items are the other classes' training images; all test images are told apart.
    """
    data = setup.data
    recipes = {name: RECIPES[name].changed(epochs=setup.epochs) for name in setup.architectures}
    for seed in range(setup.seeds):
        label = _left_out(seed)
        yield Case(
            FASHION,
            CLASSES[label],
            seed,
            Normal(
                data.train[data.train_labels != label],
                data.validation[data.validation_labels != label],
            ),
            data.test,
            data.test_labels == label,
            recipes,
        )


def digits(setup: Setup) -> Iterator[Case]:
    """Yield a case for each seed, the anomalies of which are a digit of scikit-learn's 8x8 ones.

    Alpaydin and Kaynak, "Optical Recognition of Handwritten Digits", UCI, 1998: its test part. The
    test items are three tenths of the other digits, and all of the one.
    """
    images, labels = load_digits(return_X_y=True)
    images = (images / 16).astype(np.float32).reshape(-1, 8, 8)
    for seed in range(setup.seeds):
        digit = _left_out(seed)
        others = labels != digit
        rest, normal = train_test_split(
            images[others], test_size=TEST, stratify=labels[others], random_state=seed
        )
        train, validation = train_test_split(rest, test_size=VALIDATION, random_state=seed)
        item = Item("images", (8, 8), masks=False, count=len(train))
        yield Case(
            DIGITS,
            str(digit),
            seed,
            Normal(train, validation),
            np.concatenate([normal, images[~others]]),
            np.repeat([False, True], [len(normal), int(np.sum(~others))]),
            few(item, setup.architectures, setup.epochs),
        )


def few(item: Item, names: tuple[str, ...], epochs: int) -> dict[str, Recipe]:
    """Return the recipes of one's own data for few items, which are trained for longer."""
    options = Options(epochs=LONGER * epochs)
    return {name: own.recipe(name, item, options) for name in names}


def _left_out(seed: int) -> int:
    """Return the class that a seed leaves out: every third, so that ten seeds leave out each."""
    return 3 * seed % len(CLASSES)
