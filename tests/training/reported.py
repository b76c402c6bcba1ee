"""Results of models whose every number can be computed beside them: principal components."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from service.rows import Column, Rows, Window
from tests.training.pca import Pca
from training.datasets import fashion_mnist
from training.fashion.results import Images
from training.pixel_noise import Floats, Noise
from training.report import page
from training.report.measure import measure
from training.results import Part, Results, Windows

SAMPLES = Path(__file__).parents[1] / "data" / "fashion_mnist"
DATA = fashion_mnist.load(SAMPLES)
LOSSES = {
    "whole": [
        {"epoch": 0.0, "loss": 0.4, "mse": 0.3, "val_loss": 0.3, "val_mse": 0.25},
        {"epoch": 1.0, "loss": 0.2, "mse": 0.1, "val_loss": 0.2, "val_mse": 0.12},
    ]
}


def part(name: str, items: Floats, labels: list[str] | None = None) -> Part:
    classes = None if labels is None else np.array(labels)
    return Part(name, Images(items), lambda position: f"a/item {position}", classes)


def of_images(components: int = 16, *, noises: tuple[Noise, ...] = ()) -> Results:
    """Return results of 60 validation and 40 test images, reconstructed by their components."""
    model = Pca(DATA.train, components)
    labels = [fashion_mnist.CLASSES[label] for label in DATA.test_labels[:40]]
    return Results(
        name=f"pca-{components}",
        summary="Principal components",
        kind="images",
        facts={"components": str(components), "data": "the same"},
        data={"data": "the same"},
        notes=("2 images are <b>large</b>",),
        digest="0",
        losses=LOSSES,
        validation=part("validation", DATA.validation[:60]),
        test=part("test", DATA.test[:40], labels),
        rows=None,
        encode=lambda images: (images.reshape(len(images), -1) - model.mean) @ model.basis,
        reconstruct=model.reconstruct,
        noises=noises,
    )


def of_rows(*, steps: int | None = None) -> Results:
    """Return results of rows, or of sequences of them, that come back as the means of columns."""
    random = np.random.default_rng(0)
    columns = (
        Column(name="heat $a$", categories=(), scale=5.0),
        Column(name="mode", categories=("idle", "run"), scale=1.0),
    )
    shape = (30, 3) if steps is None else (30, steps, 3)
    items = random.normal(size=shape).astype(np.float32)
    items[..., 0] = 300 + 5 * items[..., 0]
    items[..., 1:] = np.eye(2, dtype=np.float32)[random.integers(0, 2, shape[:-1])]
    items[3, ..., 0] = np.nan
    mean = np.array([300, 0.4, 0.6], np.float32)
    return replace(
        of_images(),
        name="rows",
        kind="table" if steps is None else "sequences",
        validation=part("validation", items[:15]),
        test=part("test", items),
        rows=Rows(
            columns=columns, missing=True, window=(steps and Window(steps=steps, stride=1)) or None
        ),
        encode=lambda rows: np.nan_to_num(rows).reshape(len(rows), -1)[:, :2],
        reconstruct=lambda rows: np.broadcast_to(mean, rows.shape).astype(np.float32),
    )


def write(results: Results, path: Path) -> Path:
    return page.write(results, measure(results), path)


def of_windows() -> Results:
    """Return results of windows of 7 rows, one from each row on."""
    results = of_rows(steps=7)
    parts = [replace(each, windows=Windows(np.arange(len(each)), 7))
        for each in (results.validation, results.test)]  # fmt: skip
    return replace(results, validation=parts[0], test=parts[1])
