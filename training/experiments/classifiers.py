"""Classifiers of few labels: a layer on an encoder, and logistic regression."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from training.experiments.labels import Labelled
from training.experiments.models import flat
from training.fitting.fit import Examples, fit
from training.fitting.settings import FitSettings
from training.pixel_noise import Floats

Labels = NDArray[np.uint8]
Classify = Callable[[Floats], Labels]
"""Items -> their classes."""

SETTINGS = FitSettings(
    epochs=60, batch_size=16, learning_rate=4e-3, loss="categorical_crossentropy", patience=15
)
"""Of every network; held-out labels choose the epoch, by the mean squared error of the
probabilities (Brier, 1950)."""
FROZEN_RATE = 1.2e-2
"""Of a layer that learns alone. Of 0.004, 0.012 and 0.04, this rate and that of the others were
best on validation images, with a seed of their own."""
STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Inverse strengths of logistic regression's l2 penalty, of which held-out labels choose one."""
BATCH = 1024


def network(
    encoder: keras.Model,
    images: Floats,
    labels: Labels,
    labelled: Labelled,
    *,
    frozen: bool,
    seed: int,
) -> Classify:
    """Fit a softmax layer on an encoder.

    Args:
        encoder: Images -> codings; its weights change unless it is frozen.
        images: Of which some are labelled, (n, height, width) in [0, 1].
        labels: Their classes.
        labelled: Which labels are known.
        frozen: Whether the encoder stays as it is.
        seed: Of the layer's weights and of the batches.
    """
    keras.utils.set_random_seed(seed)
    encoder.trainable = not frozen
    settings = replace(SETTINGS, learning_rate=FROZEN_RATE) if frozen else SETTINGS
    classes = int(labels.max()) + 1
    inputs = keras.Input(encoder.input_shape[1:])
    outputs = keras.layers.Dense(classes, activation="softmax")(encoder(inputs))
    model = keras.Model(inputs, outputs, name="classifier")

    def examples(indices: NDArray[np.int64]) -> Examples:
        return Examples(images[indices], keras.utils.to_categorical(labels[indices], classes))

    with tempfile.TemporaryDirectory() as folder:
        train, validation = examples(labelled.train), examples(labelled.validation)
        fit(model, train, validation, settings, Path(folder), verbose=0)

    def classify(items: Floats) -> Labels:
        found: Labels = model.predict(items, batch_size=BATCH, verbose=0).argmax(axis=1)
        return found

    return classify


def logistic_regression(
    images: Floats, labels: Labels, labelled: Labelled, code: Callable[[Floats], Floats] = flat
) -> Classify:
    """Fit a logistic regression of standardised codings.

    Args:
        images: Of which some are labelled.
        labels: Their classes.
        labelled: Which labels are known.
        code: Images -> codings (n, numbers); their pixels where it is left out.
    """
    train, validation = code(images[labelled.train]), code(images[labelled.validation])

    def fitted(strength: float) -> tuple[float, Classify]:
        model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=2000))
        model.fit(train, labels[labelled.train])
        return model.score(validation, labels[labelled.validation]), model.predict

    _, predict = max(map(fitted, STRENGTHS), key=lambda pair: pair[0])

    def classify(items: Floats) -> Labels:
        return predict(code(items))

    return classify
