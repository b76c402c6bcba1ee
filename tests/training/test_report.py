"""Reports on models whose every number can be computed beside them: principal components."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from service.rows import Column, Rows, Window
from tests.training.page_text import Text
from tests.training.pca import Pca
from training.datasets import fashion_mnist
from training.fashion.results import Images
from training.pixel_noise import Floats, Noise
from training.report import compare, embedding, histograms, page
from training.report.measure import measure, spread
from training.results import Part, Results, read_losses

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


def test_the_threshold_the_worst_and_the_means_are_those_of_the_scores() -> None:
    results = of_images()
    measured = measure(results)
    restored = Pca(DATA.train, 16).reconstruct(DATA.test[:40])
    expected = ((restored - DATA.test[:40]) ** 2).mean(axis=(1, 2))
    np.testing.assert_allclose(measured.test, expected, rtol=1e-5)
    np.testing.assert_array_equal(measured.worst.positions, np.argsort(-expected)[:10])
    np.testing.assert_array_equal(measured.samples.positions, spread(40, 10))
    assert measured.codings.shape == (40, 16)
    assert measured.above
    # Of 60 items, one may lie above.
    assert measured.above.rate == pytest.approx(1 / 60)
    assert np.count_nonzero(measured.validation > measured.above.score) == 1
    by_class = {each.name: each for each in page.classes(results, measured)}
    is_bag = np.asarray(results.test.labels) == "Bag"
    assert by_class["Bag"].items == is_bag.sum()
    assert by_class["Bag"].score == pytest.approx(expected[is_bag].mean(), rel=1e-5)


def test_missing_numbers_are_left_out_and_columns_are_in_standard_deviations() -> None:
    results = of_rows()
    measured = measure(results)
    heat, mode = sorted(page.columns(results, measured), key=lambda each: each.name)
    known = results.test.items.take(slice(None))
    expected = np.nanmean(((known[:, 0] - 300) / 5) ** 2)
    assert heat.score == pytest.approx(expected, rel=1e-4)
    one_hot = ((known[:, 1:] - [0.4, 0.6]) ** 2).mean()
    assert mode.score == pytest.approx(one_hot, rel=1e-4)


@pytest.mark.slow
def test_a_report_on_images_needs_nothing_beside_itself(tmp_path: Path) -> None:
    noises = (Noise("gaussian", 0.4), Noise("dead pixels", 0.5))
    path = write(of_images(noises=noises), tmp_path / "run" / "report.html")
    text = Text.of(path)
    assert text.headings == [
        "Losses", "Reconstructions", "The worst", "Denoising", "Errors", "Codings", "Training",
    ]  # fmt: skip
    assert all(each.startswith(("data:image/", "#")) for each in text.sources)
    # Ten samples and the ten worst: original, reconstruction, error; six noisy and denoised, twice.
    assert len(text.images) == 20 * 3 + 2 * 12
    assert len(set(text.images)) > 60
    assert "http:" not in path.read_text().replace("http://www.w3.org/", "")
    assert "<script" not in path.read_text()
    assert "2 images are <b>large</b>." in text.words  # as text, not as markup
    assert "0.12, epoch 2" in text.words
    assert ["components", "16"] in [[cell.strip() for cell in row] for row in text.rows]
    assert "map of the codings of 40 items" in text.figures
    assert path.stat().st_size < 1_000_000
    assert [each.name for each in path.parent.iterdir()] == ["report.html"]


def test_codings_of_two_numbers_are_a_map_by_themselves() -> None:
    codings = np.random.default_rng(0).normal(3, 2, (40, 2)).astype(np.float32)
    placed = embedding.places(codings)
    assert placed is not None
    assert (placed.min(), placed.max()) == (0, 1)
    for axis in range(2):
        assert np.corrcoef(placed[:, axis], codings[:, axis])[0, 1] == pytest.approx(1)
    assert embedding.places(codings[:, :1]) is None


@pytest.mark.slow
def test_a_report_on_a_table_has_each_value_beside_its_reconstruction(tmp_path: Path) -> None:
    results = of_rows()
    text = Text.of(write(results, tmp_path / "report.html"))
    lines = [[cell.strip() for cell in row] for row in text.rows]
    heat = next(row for row in lines if row[0] == "heat $a$" and len(row) == 11)
    mode = next(row for row in lines if row[0] == "mode" and len(row) == 11)
    values = results.test.items.take(spread(30, 10))
    assert heat[1] == f"{values[0, 0]:.4g} 300"
    assert heat[2] == "missing 300"
    assert mode[1] == f"{('idle', 'run')[int(values[0, 2])]} run"
    assert not [each for each in text.sources if each.startswith("data:image/webp")]


@pytest.mark.slow
def test_a_report_on_sequences_draws_each_of_them(tmp_path: Path) -> None:
    text = Text.of(write(of_rows(steps=7), tmp_path / "report.html"))
    drawn = [each for each in text.figures if each.endswith("and its reconstruction")]
    assert len(drawn) == 20
    assert drawn[0] == "a/item 0 and its reconstruction"
    assert "heat $a$" in text.words


@pytest.mark.slow
def test_two_models_of_the_same_data_are_compared_on_the_same_items(tmp_path: Path) -> None:
    pair = of_images(4), of_images(32)
    comparison = compare.write(pair, tmp_path / "pair.html")
    text = Text.of(tmp_path / "pair.html")
    lines = [[cell.strip() for cell in row] for row in text.rows]
    assert ["components", "4", "32"] in lines
    assert not [row for row in lines if row[0] == "data"]  # the same for both
    table = comparison.table().splitlines()
    assert table[0].split() == ["pca-4", "pca-32"]
    errors = [float(each) for each in table[1].split()[-2:]]
    assert errors[0] > errors[1]
    assert [row[0] for row in lines if len(row) == 11] == ["", "original", "pca-4", "pca-32"]
    assert "The data differ" not in text.words
    other = replace(pair[1], digest="1", facts={"components": "32", "data": "others"})
    told = compare.write((pair[0], other), tmp_path / "others.html").table()
    assert told.splitlines()[-1].startswith("The data differ")
    assert "Reconstructions" not in Text.of(tmp_path / "others.html").headings


def test_units_that_say_nothing_are_counted() -> None:
    codings = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)
    codings[:, 2] = 0.5
    codings[:, 4] *= 1e-4
    assert histograms.still(codings) == 2


def test_phases_are_read_in_the_order_of_training(tmp_path: Path) -> None:
    for name in ("whole", "fine-tuning", "phase-2", "phase-1"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "history.csv").write_text(
            "epoch,loss,mse,val_loss,val_mse\n0,0.1,0.1,0.1,0.1\n"
        )
    assert list(read_losses(tmp_path)) == ["phase 1", "phase 2", "fine tuning", "whole"]


def test_of_long_lists_a_terminal_shows_what_differs() -> None:
    same = ", ".join(f"setting {number}" for number in range(9))
    line = compare.Line("settings", [f"{same}, rate 1", f"{same}, rate 2"])
    table = compare.Comparison(["a", "b"], [], [line], same=True).table().splitlines()
    assert table[1].split("  ") == ["settings", "rate 1", "rate 2"]
